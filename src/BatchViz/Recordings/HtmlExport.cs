using BatchViz.Api;
using BatchViz.Core.Specs;
using BatchViz.Live;
using BatchViz.Recording.Export;
using BatchViz.Telemetry;
using BatchViz.Telemetry.Wire;
using BatchViz.Training;

namespace BatchViz.Recordings;

/// <summary>A recording as one page that replays it (docs/html-replay.md), from what a server would tell a page of it.</summary>
internal static class HtmlExport
{
    private const uint Generation = 1;

    /// <summary>Records that are recomputed for one tile at most; a run that needs more stays coarser.</summary>
    private const long MostRecomputed = 1 << 20;

    public static byte[] Write(Experiment experiment, CancellationToken cancel)
    {
        byte[] page = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "replay", "replay.html"));
        // One landscape for the manifest and its blocks: another plane may follow at any time.
        var landscape = experiment.Landscape;
        var manifest = Ended(ManifestBuilder.Build(experiment, Generation, 1, landscape));
        var outline = new ReplayOutline(
            manifest.Name,
            manifest.Title,
            [.. manifest.Columns.Select(column => column.Live)],
            [.. manifest.Runs.Select(run => run.Updates)]
        );
        return HtmlReplay.Write(page, new ReplaySource(ApiJson.Bytes(manifest), outline, [.. BlocksOf(experiment, landscape)], Tile));

        byte[]? Tile(int run, int[] columns, int level, long index)
        {
            cancel.ThrowIfCancellationRequested();
            var of = experiment.Runs[run];
            var tile =
                Blocks.Tile(Generation, run, of.Log, columns, level, index)
                ?? throw new InvalidOperationException($"{of.Plan.Id} has no tile {index} of level {level}");
            if (tile.Bytes is not null)
                return tile.Bytes;
            if (tile.Missing.Count > MostRecomputed)
                return null;
            var window = experiment.Replayer.Rows(of, tile.Missing.First, (int)tile.Missing.Count, null, cancel);
            return Blocks.Tile(Generation, run, of.Log, columns, level, index, window)?.Bytes;
        }
    }

    /// <summary>In a file nothing goes on: what was still under way ends with its last record.</summary>
    internal static Manifest Ended(Manifest manifest) =>
        manifest with
        {
            State = manifest.State is ExperimentState.Running or ExperimentState.Held ? ExperimentState.Stopped : manifest.State,
            Runs =
            [
                .. manifest.Runs.Select(run =>
                    run.State is RunState.Waiting or RunState.Running
                        ? run with
                        {
                            State = RunState.Stopped,
                            Message = "The recording ends here.",
                        }
                        : run
                ),
            ],
        };

    private static IEnumerable<byte[]> BlocksOf(Experiment experiment, Landscape? landscape)
    {
        for (int run = 0; run < experiment.Runs.Count; run++)
        {
            yield return Blocks.Evaluations(Generation, run, experiment.Runs[run].Log.Evaluations);
            if (landscape is not null && run < landscape.Paths.Count)
                yield return Blocks.Paths(Generation, landscape.PlaneId, run, landscape.Paths[run]);
        }
        if (landscape?.Layers is not [.., var finest])
            yield break;
        var r = landscape.Region;
        yield return Blocks.Grid(
            Generation,
            landscape.PlaneId,
            landscape.GridId,
            finest.Resolution,
            (float)r.X0,
            (float)r.X1,
            (float)r.Y0,
            (float)r.Y1,
            finest.Losses
        );
    }
}
