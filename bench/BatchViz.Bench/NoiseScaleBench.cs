using System.Globalization;
using BatchViz.Cli;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;

namespace BatchViz.Bench;

/// <summary>
/// <c>probes --noise-scale</c>: the gradient noise scale along training runs as their records estimate it from batches,
/// beside the exact one from the gradients of all training examples.
/// </summary>
internal static class NoiseScaleBench
{
    public static readonly int[] BatchSizes = [32, 128, 512];

    public static readonly BenchNet Net = BenchNet.Parse("784-128-64-10", null, null);

    public static void Run(IReadOnlyList<BenchNet> nets, int[] batches, int epochs, KernelPath path, bool json, CancellationToken stop)
    {
        using var engine = new CpuEngine(path);
        var files = new DataFiles(null);
        var sets = nets.Select(net => BenchData.For(net, batches.Max(), files)).ToArray();
        foreach (var set in sets)
        {
            int most = set.Train.Count / 2;
            if (batches.Max() > most)
                throw new RefusedException(
                    $"\"--batch\" holds {batches.Max():#,0}; --noise-scale needs batches of at most half of the {set.Train.Count:#,0} examples, {most:#,0}."
                );
        }
        var runs = new List<NoiseReportRun>();
        if (!json)
            Console.WriteLine(Machine.Describe(path));
        foreach (var (net, set) in nets.Zip(sets))
        {
            using var data = engine.Load(set);
            foreach (int batch in batches)
            {
                var cell = Follow(engine, data, net, batch, epochs, stop);
                if (json)
                    runs.Add(cell.Report());
                else
                    Show(cell);
            }
        }
        if (json)
            Console.WriteLine(BenchJson.Line(new NoiseScaleReportLine(Machine.Describe(path), KernelOption.Word(path), epochs, runs)));
        else
            Explain();
    }

    private static NoiseCell Follow(IEngine engine, IEngineData data, BenchNet net, int batch, int epochs, CancellationToken stop)
    {
        var marks = new List<NoiseMark>();
        using var run = new NoiseRun(engine, data, net, batch);
        foreach (var mark in run.Follow(epochs, stop))
        {
            BenchReport.Progress(
                $"{net.Name}, B = {batch}, update {mark.Update:#,0}: noise scale {BenchReport.Number(mark.Running.Mean)}, exactly {BenchReport.Number(mark.Here.Ratio)}"
            );
            marks.Add(mark);
        }
        var (variance, square) = run.Paired();
        return new NoiseCell(net, data.Source.Name, data.Source.Train.Count, batch, marks, variance, square);
    }

    private static void Show(NoiseCell cell)
    {
        string rate = NoiseRun.LearningRate(cell.Batch).ToString("0.####", CultureInfo.InvariantCulture);
        Console.WriteLine(
            $"{cell.Net.Name}, {cell.Data} ({cell.Examples:#,0} examples), B = {cell.Batch}, plain SGD, learning rate {rate}"
        );
        var table = BenchReport.Table(
            "update",
            "epoch",
            "running",
            "± s.e.",
            "exact, window",
            "± s.e.",
            "off",
            "exact, here",
            "exact tr Σ",
            "exact |G|²",
            "batches' tr Σ",
            "off",
            "batches' |G|²",
            "off"
        );
        foreach (var mark in cell.Marks)
        {
            BenchReport.Row(
                table,
                $"{mark.Update}",
                BenchReport.Number(mark.Epoch),
                BenchReport.Number(mark.Running.Mean),
                BenchReport.Number(mark.Running.Error),
                BenchReport.Number(mark.Window.Mean),
                BenchReport.Number(mark.Window.Error),
                Off(mark.Running.Off(mark.Window)),
                BenchReport.Number(mark.Here.Ratio),
                BenchReport.Number(mark.Here.Variance),
                Small(mark.Here.Square),
                BenchReport.Number(mark.Variance.Mean),
                Off(mark.Variance.Off(mark.Here.Variance)),
                Small(mark.Square.Mean),
                Off(mark.Square.Off(mark.Here.Square))
            );
        }
        BenchReport.Write(table);
        Console.WriteLine(
            $"Own batches, each beside the exact figures at its weights: tr Σ {Around(cell.OwnVariance)} times the exact one; |G|² less the exact one {Around(cell.OwnSquare)} tr Σ / B."
        );
        Console.WriteLine();
    }

    private static void Explain()
    {
        Console.WriteLine(
            $"running: tr Σ / |G|² as the record of that update has it, in examples, both averaged over about {RecordLayout.NoiseScaleUpdates} updates; its standard error over those batches."
        );
        Console.WriteLine(
            $"exact, window: from all examples, at {NoiseRun.WindowPoints} weights throughout the same updates, averaged in the same way; its standard error is for their being so few."
        );
        Console.WriteLine("exact, here: at the weights after that update.");
        Console.WriteLine(
            $"batches: means over {NoiseRun.Batches} independent batches at the weights after that update, which stay as they are."
        );
        Console.WriteLine("off: from the exact figure, in standard errors of the difference.");
    }

    private static string Off(double errors) =>
        double.IsFinite(errors) ? errors.ToString("+0.0;−0.0;0.0", CultureInfo.InvariantCulture) : "–";

    /// <summary>Three significant digits of what may be very small.</summary>
    private static string Small(double value) => value.ToString("0.00E+0", CultureInfo.InvariantCulture);

    private static string Around(Estimate value) =>
        string.Create(CultureInfo.InvariantCulture, $"{value.Mean:0.000} ± {value.Error:0.000}");
}

/// <summary>One run.</summary>
/// <param name="OwnVariance">See <see cref="NoiseRun.Paired"/>.</param>
/// <param name="OwnSquare">See <see cref="NoiseRun.Paired"/>.</param>
internal sealed record NoiseCell(
    BenchNet Net,
    string Data,
    int Examples,
    int Batch,
    IReadOnlyList<NoiseMark> Marks,
    Estimate OwnVariance,
    Estimate OwnSquare
)
{
    public NoiseReportRun Report() =>
        new(
            Net.Name,
            Data,
            Examples,
            Batch,
            NoiseRun.LearningRate(Batch),
            [.. Marks.Select(mark => mark.Report())],
            new(OwnVariance.Mean, OwnVariance.Error, OwnSquare.Mean, OwnSquare.Error)
        );
}
