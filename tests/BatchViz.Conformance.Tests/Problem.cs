using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests;
using BatchViz.Engine.Cpu.Tests.Layered;

namespace BatchViz.Conformance.Tests;

/// <summary>Data and a bundle on them; two members.</summary>
internal sealed record Problem(string Name, DataSet Data, BundleSpec Spec)
{
    private static readonly uint[] Seeds = [1, 7];

    /// <summary>Networks of dense layers, models of layers, and surfaces.</summary>
    public static IReadOnlyList<Problem> Models { get; } = [.. Dense(), .. Layers(), .. SurfacesOf()];

    /// <summary>What an update may do besides taking a step of plain SGD.</summary>
    public static IReadOnlyList<Problem> Ways { get; } = [.. Optimizers(), .. Samplers(), .. Others()];

    public static Problem Named(string name) => Models.Concat(Ways).Single(problem => problem.Name == name);

    /// <summary>
    /// That are compared; few where a ReLU or the choice of a maximum soon falls the other way, after which runs are different runs.
    /// </summary>
    public int Updates { get; init; } = 12;

    public NetworkSpec Network => Spec.Network;

    public override string ToString() => Name;

    private static BundleSpec Bundle(
        NetworkSpec network,
        int batch,
        OptimizerSpec? optimizer = null,
        double rate = 0.05,
        SamplerSpec? sampler = null
    ) => new(network, optimizer ?? new(), sampler ?? new(), batch, rate, Seeds);

    private static IEnumerable<Problem> Dense()
    {
        var plane = Sets.Plane();
        var images = Sets.Images();
        foreach (var activation in new[] { Activation.Tanh, Activation.Relu, Activation.Sigmoid, Activation.Gelu })
            yield return new($"dense {activation}", images, Bundle(Sets.Net(images, LossKind.CrossEntropy, [20, 12], activation), 32));
        yield return new("dense, one example", images, Bundle(Sets.Net(images, LossKind.CrossEntropy, [20], Activation.Tanh), 1));
        yield return new("dense, squared", images, Bundle(Sets.Net(images, LossKind.Squared, [20], Activation.Tanh), 8));
        yield return new("tiny, logistic", plane, Bundle(Sets.Net(plane, LossKind.Logistic, [8, 8], Activation.Tanh), 16));
        yield return new("tiny, squared", plane, Bundle(Sets.Net(plane, LossKind.Squared, [8], Activation.Tanh), 16));
        yield return new("linear", images, Bundle(Sets.Net(images, LossKind.CrossEntropy, []), 16));
        yield return new(
            "without biases",
            plane,
            Bundle(
                Sets.Net(plane, LossKind.CrossEntropy, [9], Activation.Relu) is var net
                    ? net with
                    {
                        Model = net.Model with { Bias = false },
                    }
                    : net,
                16
            )
        );
    }

    private static IEnumerable<Problem> Layers()
    {
        foreach (string name in LayerCase.Small.Keys)
        {
            var layers = LayerCase.Make(name, 3);
            yield return new(name, layers.Data, layers.Spec(OptimizerKind.Sgd, 0.05, Seeds));
        }
        foreach (var loss in new[] { LossKind.Squared, LossKind.Logistic })
        {
            var layers = LayerCase.Make("convolution", 4, loss);
            yield return new($"convolution, {loss}", layers.Data, layers.Spec(OptimizerKind.Sgd, 0.05, Seeds));
        }
        foreach (var loss in new[] { LossKind.InfoNce, LossKind.SigmoidContrastive })
        {
            var towers = LayerCase.OfPreset("two-tower", new(1, 8, 8), 5, 12, loss);
            yield return new($"two towers, {loss}", towers.Data, towers.Spec(OptimizerKind.Sgd, 0.01, Seeds));
        }
        foreach (string preset in new[] { "lenet", "resnet-small", "mobilenet-small", "mlp-batchnorm" })
        {
            var model = LayerCase.OfPreset(preset, new(1, 28, 28), 6, 8);
            // Away from kinks: at 0.004 resnet-small's second update has a ReLU so near 0 that half a unit in the last place of the
            // weights moves the gradient's norm by a quarter of a percent; at 0.003 none of three updates moves by more than 2e-7.
            yield return new($"preset {preset}", model.Data, model.Spec(OptimizerKind.Sgd, 0.003, Seeds)) { Updates = 3 };
        }
    }

    private static IEnumerable<Problem> SurfacesOf()
    {
        foreach (var (word, kind) in new[] { ("double-well", DataKind.DoubleWell), ("saddle", DataKind.Saddle), ("beale", DataKind.Beale) })
        {
            var data = Generators.Make(new DataSpec { Kind = kind });
            yield return new(
                word,
                data,
                Bundle(new NetworkSpec(new ModelSpec { Kind = ModelKind.Surface }, LossKind.Surface, [2, 1]), 8, rate: 0.01)
            );
        }
    }

    private static IEnumerable<Problem> Optimizers()
    {
        var images = Sets.Images();
        var net = Sets.Net(images, LossKind.CrossEntropy, [14], Activation.Tanh);
        foreach (var kind in Enum.GetValues<OptimizerKind>())
        {
            var spec = new OptimizerSpec
            {
                Kind = kind,
                WeightDecay = 0.02,
                Memory = 3,
            };
            double rate =
                kind is OptimizerKind.Adam or OptimizerKind.AdamW or OptimizerKind.RmsProp ? 0.003
                : spec.UsesLineSearch ? 0.5
                : 0.05;
            if (!spec.UsesLineSearch)
            {
                yield return new($"{kind}", images, Bundle(net, 25, spec, rate));
                continue;
            }
            foreach (var search in Enum.GetValues<LineSearch>())
                yield return new(
                    $"{kind}, {search}",
                    images,
                    Bundle(net, 60, spec with { LineSearch = search }, search == LineSearch.None ? 0.1 : rate)
                );
        }
        var layers = LayerCase.Make("batch norm", 3);
        yield return new("LARS with batch norms", layers.Data, layers.Spec(OptimizerKind.Lars, 1, Seeds));
        yield return new("momentum with batch norms", layers.Data, layers.Spec(OptimizerKind.Momentum, 0.01, Seeds));
    }

    private static IEnumerable<Problem> Samplers()
    {
        var images = Sets.Images(90);
        var net = Sets.Net(images, LossKind.CrossEntropy, [14], Activation.Tanh);
        foreach (var order in Enum.GetValues<SampleOrder>())
        {
            foreach (var remainder in Enum.GetValues<RemainderPolicy>())
            {
                if (order == SampleOrder.Replacement && remainder != RemainderPolicy.Drop)
                    continue;
                yield return new(
                    $"{order}, {remainder}",
                    images,
                    Bundle(net, 40, new() { Kind = OptimizerKind.Momentum }, sampler: new() { Order = order, Remainder = remainder })
                );
            }
        }
        yield return new("hard examples", images, Bundle(net, 10, sampler: new() { Pool = 30 }));
    }

    private static IEnumerable<Problem> Others()
    {
        var images = Sets.Images();
        var net = Sets.Net(images, LossKind.CrossEntropy, [14], Activation.Tanh);
        yield return new(
            "warm-up and steps",
            images,
            Bundle(net, 100, new() { Kind = OptimizerKind.Adam }, 0.01) with
            {
                Schedule = new()
                {
                    Kind = ScheduleKind.Step,
                    Factor = 0.3,
                    EveryEpochs = 1,
                    Warmup = new(WarmupKind.Gradual, 1.5),
                },
            }
        );
        yield return new(
            "cosine",
            images,
            Bundle(net, 100) with
            {
                Schedule = new()
                {
                    Kind = ScheduleKind.Cosine,
                    Epochs = 3,
                    Floor = 0.1,
                },
            }
        );
        yield return new(
            "growing batches",
            images,
            Bundle(net, 60, new() { Kind = OptimizerKind.Momentum }) with
            {
                BatchSchedule = new(2, 1, 200),
            }
        );
        yield return new("old weights", images, Bundle(net, 20, new() { Kind = OptimizerKind.Momentum }) with { Staleness = 3 });
        yield return new("old weights, one example", images, Bundle(net, 1) with { Staleness = 2 });
        yield return new("microbatches", images, Bundle(net, 50) with { MicroBatch = 16 });
        var conv = LayerCase.Make("group norm", 3);
        yield return new("microbatches of images", conv.Data, conv.Spec(OptimizerKind.Sgd, 0.05, Seeds) with { MicroBatch = 2 });
    }
}
