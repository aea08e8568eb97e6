using System.Globalization;
using System.Text.Json.Nodes;
using BatchViz.Core.Engines;
using BatchViz.Data;
using BatchViz.Engine.Cpu;

namespace BatchViz.Cli.Bench;

/// <summary>
/// <c>batchviz bench probes --noise-scale</c>: the gradient noise scale along training runs as their records estimate it from batches,
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
        var cells = new JsonArray();
        if (!json) Console.WriteLine(Machine.Describe(path));
        foreach (var net in nets)
        {
            using var data = engine.Load(BenchData.For(net, batches.Max(), files));
            foreach (int batch in batches)
            {
                var marks = Follow(engine, data, net, batch, epochs, stop);
                if (json)
                {
                    foreach (var mark in marks)
                    {
                        var cell = mark.ToJson(batch);
                        cell["net"] = net.Name;
                        cells.Add((JsonNode)cell);
                    }
                }
                else Show(marks, net, batch, data);
            }
        }
        if (json) Console.WriteLine(new JsonObject { ["machine"] = Machine.Describe(path), ["path"] = KernelOption.Word(path), ["epochs"] = epochs, ["noiseScale"] = cells }.ToJsonString());
        else Explain();
    }

    private static List<NoiseMark> Follow(IEngine engine, IEngineData data, BenchNet net, int batch, int epochs, CancellationToken stop)
    {
        var marks = new List<NoiseMark>();
        using var run = new NoiseRun(engine, data, net, batch);
        foreach (var mark in run.Follow(epochs, stop))
        {
            BenchReport.Progress($"{net.Name}, B = {batch}, update {mark.Update:#,0}: noise scale {BenchReport.Number(mark.Running.Mean)}, exactly {BenchReport.Number(mark.Here.Ratio)}");
            marks.Add(mark);
        }
        return marks;
    }

    private static void Show(IReadOnlyList<NoiseMark> marks, BenchNet net, int batch, IEngineData data)
    {
        string rate = NoiseRun.LearningRate(batch).ToString("0.####", CultureInfo.InvariantCulture);
        Console.WriteLine($"{net.Name}, {data.Source.Name} ({data.Source.Train.Count:#,0} examples), B = {batch}, plain SGD, learning rate {rate}");
        var table = BenchReport.Table("update", "epoch", "running", "± s.e.", "exact, window", "± s.e.", "off", "exact, here", "exact tr Σ", "exact |G|²", "batches' tr Σ", "off", "batches' |G|²", "off");
        foreach (var mark in marks)
        {
            BenchReport.Row(table, $"{mark.Update}", BenchReport.Number(mark.Epoch), BenchReport.Number(mark.Running.Mean), BenchReport.Number(mark.Running.Error),
                BenchReport.Number(mark.Window.Mean), BenchReport.Number(mark.Window.Error), Off(mark.Running.Off(mark.Window)), BenchReport.Number(mark.Here.Ratio),
                BenchReport.Number(mark.Here.Variance), Small(mark.Here.Square),
                BenchReport.Number(mark.Variance.Mean), Off(mark.Variance.Off(mark.Here.Variance)), Small(mark.Square.Mean), Off(mark.Square.Off(mark.Here.Square)));
        }
        BenchReport.Write(table);
    }

    private static void Explain()
    {
        Console.WriteLine($"running: tr Σ / |G|² as the record of that update has it, in examples, both averaged over about {RecordLayout.NoiseScaleUpdates} updates; its standard error over those batches.");
        Console.WriteLine("exact, window: from all examples, at eight weights throughout the same updates, averaged in the same way; its standard error is for their being eight. exact, here: at the weights after that update.");
        Console.WriteLine("batches: means over 400 independent batches at the weights after that update, which stay as they are. off: standard errors from the exact figure (of the difference).");
    }

    private static string Off(double errors) => double.IsFinite(errors) ? errors.ToString("+0.0;−0.0;0.0", CultureInfo.InvariantCulture) : "–";

    /// <summary>Three significant digits of what may be very small.</summary>
    private static string Small(double value) => value.ToString("0.00E+0", CultureInfo.InvariantCulture);
}
