namespace BatchViz.Recording.Export;

/// <summary>Every record and every evaluation of a run as comma-separated tables; docs/exports.md says what the columns are.</summary>
public static class CsvExport
{
    /// <summary>Writes <c>ID.csv</c> and <c>ID-evaluations.csv</c> and returns their paths.</summary>
    public static IReadOnlyList<string> Write(
        IRecordSource run,
        string folder,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        string name = Path.Combine(folder, ExportFile.NameOf(run.Plan)),
            records = name + ".csv",
            evaluations = name + "-evaluations.csv";
        ExportFile.Write(records, stream => WriteRecords(run, stream, progress, cancel));
        ExportFile.Write(evaluations, stream => WriteEvaluations(run, stream));
        return [records, evaluations];
    }

    /// <summary>
    /// One row an update: run, update, examples, epochs, the columns of the record layout, seconds. A run that diverged has one row
    /// more, of the update that was not made; cells about its step are empty.
    /// </summary>
    public static void WriteRecords(
        IRecordSource run,
        Stream stream,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        using var csv = new CsvWriter(stream);
        Header(csv, [.. run.Layout.Columns.Select(column => column.Name)]);
        var walk = new RecordWalk(run, 0, run.Count);
        foreach (var (first, rows) in walk.Blocks(progress, cancel))
        {
            for (int row = 0; row < rows; row++)
            {
                Position(csv, run, first + row + 1);
                bool made = first + row < run.UpdatesMade;
                var record = walk.Record(row);
                for (int c = 0; c < record.Length; c++)
                {
                    if (made || !run.Layout.Columns[c].OfStep)
                        csv.Number(record[c]);
                    else
                        csv.Empty();
                }
                csv.Number(walk.Seconds(row));
                csv.EndRow();
            }
        }
    }

    /// <summary>One row an evaluation: run, update, examples, epochs, loss, testLoss, testAccuracy, seconds.</summary>
    public static void WriteEvaluations(IRecordSource run, Stream stream)
    {
        using var csv = new CsvWriter(stream);
        Header(csv, ["loss", "testLoss", "testAccuracy"]);
        foreach (var point in run.Evaluations)
        {
            Position(csv, run, point.Update);
            csv.Number(point.Loss);
            csv.Number(point.TestLoss);
            csv.Number(point.TestAccuracy);
            csv.Number(point.LaneSeconds);
            csv.EndRow();
        }
    }

    private static void Header(CsvWriter csv, ReadOnlySpan<string> columns)
    {
        foreach (string column in (ReadOnlySpan<string>)["run", "update", "examples", "epochs", .. columns, "seconds"])
            csv.Text(column);
        csv.EndRow();
    }

    /// <summary>The run, and how far it is after so many updates.</summary>
    private static void Position(CsvWriter csv, IRecordSource run, long updates)
    {
        csv.Text(run.Plan.Id);
        csv.Number(updates);
        csv.Number(run.Plan.Progress.ExamplesAfter(updates));
        csv.Number(run.Plan.Progress.EpochsAfter(updates));
    }
}
