using System.Text.Json;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Layered;

/// <summary>
/// Short trainings by PyTorch (tests/fixtures/make_layers.py) check the reference and the engine, running statistics included.
/// </summary>
public class LayerFixtureTests
{
    private static readonly Fixtures All = JsonSerializer.Deserialize<Fixtures>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", "layers.json")),
        new JsonSerializerOptions { PropertyNameCaseInsensitive = true }
    )!;

    private static readonly LayerSpec Relu = LayerSpec.Activated(Activation.Relu),
        Tanh = LayerSpec.Activated(Activation.Tanh),
        Gelu = LayerSpec.Activated(Activation.Gelu);
    private static readonly LayerSpec Flatten = new(LayerKind.Flatten),
        Norm = new(LayerKind.BatchNorm),
        Average = LayerSpec.Average(),
        Dense = LayerSpec.Dense();

    private static readonly Dictionary<string, LayerSpec[]> Models = new()
    {
        ["cnn"] =
        [
            LayerSpec.Conv(5, 3, padding: 1),
            Relu,
            LayerSpec.Max(2),
            LayerSpec.Conv(6, 3),
            Relu,
            LayerSpec.Average(2),
            Flatten,
            LayerSpec.Dense(8),
            Tanh,
            Dense,
        ],
        ["separable"] =
        [
            LayerSpec.Conv(6, 3, 2, 1, bias: false),
            Tanh,
            LayerSpec.Conv(6, 3, padding: 1, groups: 6),
            Tanh,
            LayerSpec.Conv(9, 1, groups: 3),
            Tanh,
            Average,
            Dense,
        ],
        ["batch norm"] =
        [
            LayerSpec.Conv(4, 3, 2, bias: false),
            Norm with
            {
                Momentum = 0.2,
            },
            Relu,
            Flatten,
            LayerSpec.Dense(5),
            Norm with
            {
                Epsilon = 1e-3,
            },
            Tanh,
            Dense,
        ],
        ["residual"] =
        [
            LayerSpec.Around(
                [LayerSpec.Conv(4, 3, 2, 1, bias: false), Norm, Relu, LayerSpec.Conv(4, 3, padding: 1, bias: false), Norm],
                [LayerSpec.Conv(4, 1, 2, bias: false), Norm]
            ),
            Relu,
            Average,
            Dense,
        ],
        ["group norm"] = [LayerSpec.Conv(6, 3), new(LayerKind.GroupNorm) { Groups = 3 }, Gelu, Average, Dense],
        ["layer norm"] = [LayerSpec.Dense(9), new(LayerKind.LayerNorm), Gelu, Dense],
    };

    [Fact]
    public void Every_case_is_there()
    {
        Assert.Equal(Models.Keys, All.Cases.Select(c => c.Name));
        Assert.All(All.Cases, c => Assert.Equal(40, c.Losses.Length));
        Assert.Equal(2, All.Contrastive.Length);
    }

    [Fact]
    public void The_reference_follows_PyTorch()
    {
        foreach (var c in All.Cases)
        {
            var (data, network) = Problem(c);
            var net = new ReferenceLayers(network);
            var examples = RandomCase.ExamplesOf(data.Train);
            var w = c.Start.Select(v => (double)(float)v).ToArray();
            var optimizer = new ReferenceOptimizer(new OptimizerSpec { Kind = OptimizerKind.Momentum }, All.Rate, w.Length);
            int perEpoch = (c.Count + All.Batch - 1) / All.Batch;
            for (int u = 0; u < c.Losses.Length; u++)
            {
                var (loss, gradient) = net.Gradient(w, [.. examples.Skip(u % perEpoch * All.Batch).Take(All.Batch)]);
                Assert.True(
                    Math.Abs(loss - c.Losses[u]) <= 1e-8 * Math.Abs(loss) + 1e-10,
                    $"{c.Name}, update {u + 1}: {loss}, not {c.Losses[u]}"
                );
                net.Running = net.NextRunning;
                if (u == 0)
                {
                    Assert.True(Vectors.Distance(gradient, c.Gradient) <= 1e-9 * Vectors.Norm(gradient), $"{c.Name}: gradient");
                    Assert.True(
                        Vectors.Distance(net.Running, c.FirstRunning) <= 1e-10 * Vectors.Norm(net.Running) + 1e-12,
                        $"{c.Name}: running statistics after one update"
                    );
                }
                optimizer.Step(w, gradient);
            }
            Assert.True(Vectors.Distance(w, c.End) <= 1e-8 * Vectors.Norm(w), $"{c.Name}: ends {Vectors.Distance(w, c.End):E1} off");
            Assert.True(
                Vectors.Distance(net.Running, c.Running) <= 1e-8 * Vectors.Norm(net.Running) + 1e-12,
                $"{c.Name}: running statistics"
            );
            Assert.Equal(c.Evaluated, net.Loss(w, examples), 1e-8);
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void The_engine_follows_PyTorch(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (var c in All.Cases)
        {
            var (set, network) = Problem(c);
            using var data = engine.Load(set);
            using var bundle = engine.CreateBundle(
                data,
                new BundleSpec(
                    network,
                    new OptimizerSpec { Kind = OptimizerKind.Momentum },
                    new SamplerSpec { Order = SampleOrder.Sequential },
                    All.Batch,
                    All.Rate,
                    [1]
                )
            );
            bundle.StartAt([.. c.Start.Select(v => (float)v)]);
            var block = bundle.Block(c.Losses.Length);
            bundle.Advance(c.Losses.Length, block);
            Assert.Equal(Vectors.Norm(c.Gradient), block.Row(0, 0)[RecordLayout.GradientNorm], 1e-5 * Vectors.Norm(c.Gradient));
            for (int u = 0; u < c.Losses.Length; u++)
            {
                double loss = block.Row(0, u)[RecordLayout.Loss],
                    relative = u == 0 ? 1e-5 : 1e-3;
                Assert.True(
                    Math.Abs(loss - c.Losses[u]) <= relative * Math.Abs(c.Losses[u]) + 1e-6,
                    $"{c.Name}, update {u + 1}: {loss}, not {c.Losses[u]}"
                );
            }
            var end = bundle.Export(0);
            double off = Vectors.Distance(end.Weights.Doubles(), c.End),
                way = Vectors.Distance(c.Start, c.End);
            Assert.True(off <= 1e-3 * way, $"{c.Name}: ends {off:E1} off after moving {way:E1}");
            Assert.True(
                Vectors.Distance(end.Statistics![3..], c.Running) <= 1e-4 * Vectors.Norm(c.Running) + 1e-12,
                $"{c.Name}: running statistics"
            );
            using var weights = bundle.Snapshot(0);
            using var evaluator = engine.CreateEvaluator(data, network);
            Assert.Equal(c.Evaluated, evaluator.Evaluate(weights, EvaluationSet.All(Split.Train)).Loss, 1e-3 * c.Evaluated);
        }
    }

    [Fact]
    public void Contrastive_losses_are_PyTorchs()
    {
        var model = new ModelSpec
        {
            Kind = ModelKind.Layers,
            Towers = 2,
            Layers = [LayerSpec.Dense(3)],
        };
        using var engine = new CpuEngine();
        foreach (var c in All.Contrastive)
        {
            var split = new DataSplit
            {
                Count = 6,
                Inputs = 8,
                Floats = [.. All.Pairs.Select(v => (float)v)],
                Labels = new int[6],
            };
            var set = new DataSet("pairs", DataTask.Classification, 8, 2, split, null) { Views = 2 };
            var network = new NetworkSpec(model, Enum.Parse<LossKind>(c.Loss), [4, 3]);
            var (loss, gradient) = new ReferenceLayers(network).Gradient([.. c.Start], RandomCase.ExamplesOf(split));
            Assert.Equal(c.Value, loss, 1e-9);
            Assert.True(Vectors.Distance(gradient, c.Gradient) <= 1e-8 * Vectors.Norm(gradient), c.Loss);
            using var data = engine.Load(set);
            using var bundle = engine.CreateBundle(
                data,
                new BundleSpec(
                    network,
                    new OptimizerSpec { Kind = OptimizerKind.Momentum },
                    new SamplerSpec { Order = SampleOrder.Sequential },
                    6,
                    0.1,
                    [1]
                )
            );
            bundle.StartAt([.. c.Start.Select(v => (float)v)]);
            var block = bundle.Block(1);
            bundle.Advance(1, block);
            Assert.Equal(c.Value, block.Row(0, 0)[RecordLayout.Loss], 1e-5 * c.Value);
            Assert.True(
                Vectors.Distance(bundle.Export(0).OptimizerState[0].Doubles(), c.Gradient) <= 1e-5 * Vectors.Norm(c.Gradient),
                c.Loss
            );
        }
    }

    private static (DataSet Data, NetworkSpec Network) Problem(Case c)
    {
        bool image = c.Name != "layer norm";
        int size = image ? 162 : 7;
        var split = new DataSplit
        {
            Count = c.Count,
            Inputs = size,
            Floats = [.. (image ? All.Images : All.Vectors).Take(c.Count * size).Select(v => (float)v)],
            Labels = All.Labels[..c.Count],
        };
        var data = new DataSet(c.Name, DataTask.Classification, size, 3, split, null);
        var model = new ModelSpec { Kind = ModelKind.Layers, Layers = Models[c.Name] };
        return (data, new NetworkSpec(model, LossKind.CrossEntropy, [size, 3]) { Image = image ? new TensorShape(2, 9, 9) : null });
    }

    private sealed record Fixtures(
        int Batch,
        double Rate,
        double[] Images,
        double[] Vectors,
        int[] Labels,
        double[] Pairs,
        Case[] Cases,
        Contrastive[] Contrastive
    );

    private sealed record Case(
        string Name,
        int Count,
        double[] Start,
        double[] Gradient,
        double[] Losses,
        double[] End,
        double[] FirstRunning,
        double[] Running,
        double Evaluated
    );

    private sealed record Contrastive(string Loss, double Value, double[] Start, double[] Gradient);
}
