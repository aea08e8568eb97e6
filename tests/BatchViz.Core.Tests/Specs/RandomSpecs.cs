using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Tests.Specs;

/// <summary>Valid specs over all choices, a function of the generator's state.</summary>
public static class RandomSpecs
{
    public static ExperimentSpec Next(Random random)
    {
        var data = Data(random);
        bool surface = SpecReader.SurfaceOf(data.Kind) is not null;
        List<BatchSize> batches = [.. Some([1, 2, 8, 32, 100, 512], random).Select(b => new BatchSize(b))];
        bool grows = batches.Count > 0 && Maybe(random);
        if (batches.Count == 0 || (!grows && Maybe(random)))
            batches.Add(BatchSize.Full);
        var remainder = Any(Enum.GetValues<RemainderPolicy>().Where(r => !grows || r != RemainderPolicy.Carry).ToArray(), random);
        var budget = Budget(random);
        var loss = surface ? LossKind.Surface : Any([LossKind.CrossEntropy, LossKind.Logistic, LossKind.Squared], random);
        var model =
            surface ? new ModelSpec { Kind = ModelKind.Surface, Start = Start(random) }
            : random.Next(3) == 0 ? Layers(random)
            : Dense(loss, random);
        if (model.Towers == 2)
            loss = Any([LossKind.InfoNce, LossKind.SigmoidContrastive], random);
        var optimizer = Optimizer(random);
        var mode = Any(
            Enum.GetValues<WorkerMode>()
                .Where(m => m == WorkerMode.Synchronous ? !grows : !optimizer.UsesLineSearch)
                .Append(WorkerMode.Asynchronous)
                .ToArray(),
            random
        );
        var workers = new WorkersSpec(
            random.Next(1, 9),
            mode,
            mode == WorkerMode.Synchronous ? null
                : optimizer.UsesLineSearch ? 0
                : Maybe(random) ? null
                : random.Next(5)
        );
        return new ExperimentSpec
        {
            Name = Any(["a", "Ünïcode “quotes” \\ /", "</script>"], random),
            Data = data,
            Model = model,
            Loss = loss,
            Optimizer = optimizer,
            LearningRate = Rate(batches, random),
            BatchSizes = batches,
            Seeds = Maybe(random) ? [1] : [0, 7, uint.MaxValue],
            Sampler = new SamplerSpec
            {
                Order = data.Kind == DataKind.Drift ? SampleOrder.Sequential : Any(Enum.GetValues<SampleOrder>(), random),
                Remainder = remainder,
                Pool = !grows && Maybe(random) ? random.Next(1, 2000) : null,
            },
            Workers = Maybe(random) ? null : workers,
            Schedule = Schedule(random, budget),
            BatchSchedule = grows
                ? new BatchScheduleSpec(Any([1.1, 2, 2.5], random), random.Next(1, 5), Maybe(random) ? null : 512 + random.Next(9))
                : null,
            MicroBatch = Maybe(random) ? null : random.Next(1, 100),
            Budget = budget,
            Pace = Any(Enum.GetValues<Pace>(), random),
            Landscape = new LandscapeSpec
            {
                Plane = Any(Enum.GetValues<PlaneKind>().Where(p => p != PlaneKind.Hessian || model.Towers == 1).ToArray(), random),
                EvaluationExamples = random.Next(1, 5000),
                Resolution = Any([9, 17, 33, 65, 129], random),
            },
            Probes =
            [
                .. Some(
                    Enum.GetValues<ProbeKind>()
                        .Where(p =>
                            (p != ProbeKind.FisherRao || model.WhyNoFisherRao() is null)
                            && (model.Towers == 1 || p.WhyNotContrastive() is null)
                        ),
                    random
                ),
            ],
            Engine = Any([null, "cpu", "torch", "torch:cpu", "torch:cuda:1"], random),
            Precision = Maybe(random) ? null : Any(Enum.GetValues<Precision>(), random),
        };
    }

    private static BudgetSpec Budget(Random random) =>
        random.Next(4) switch
        {
            0 => new BudgetSpec { Epochs = random.NextDouble() * 10 + 0.01 },
            1 => new BudgetSpec { Updates = random.Next(1, 100_000) },
            2 => new BudgetSpec { Examples = random.NextInt64(1, SpecReader.MaxExamples) },
            _ => new BudgetSpec { Seconds = random.NextDouble() * 100 + 0.01 },
        };

    private static ScheduleSpec Schedule(Random random, BudgetSpec budget)
    {
        var warmup = Maybe(random)
            ? null
            : new WarmupSpec(Any(Enum.GetValues<WarmupKind>(), random), random.NextDouble() + 0.01, random.NextDouble());
        return random.Next(3) switch
        {
            0 => new ScheduleSpec { Warmup = warmup },
            1 => new ScheduleSpec
            {
                Kind = ScheduleKind.Step,
                Factor = 0.5,
                EveryEpochs = random.Next(1, 9),
                Warmup = warmup,
            },
            _ => new ScheduleSpec
            {
                Kind = ScheduleKind.Cosine,
                Epochs = budget.Seconds is null && Maybe(random) ? null : 3.5,
                Floor = random.NextDouble(),
                Warmup = warmup,
            },
        };
    }

    private static DataSpec Data(Random random)
    {
        var kind = Any(Enum.GetValues<DataKind>(), random);
        var spec = new DataSpec
        {
            Kind = kind,
            TrainExamples = Maybe(random) ? random.Next(1, 1000) : null,
            Seed = Maybe(random) ? 1 : (uint)random.NextInt64(uint.MaxValue),
        };
        if (SpecReader.SurfaceOf(kind) is null && Maybe(random))
            spec = spec with { TestExamples = random.Next(1, 1000) };
        return kind switch
        {
            DataKind.Mnist or DataKind.FashionMnist => spec,
            DataKind.Cifar10 => spec with { Folder = Maybe(random) ? "/data" : null },
            DataKind.Pairs => Pairs(
                spec with
                {
                    Base = Any(Core.Data.Pairs.Bases, random).Value,
                    Augmentation = Maybe(random) ? random.NextDouble() : null,
                },
                random
            ),
            DataKind.Drift => spec with
            {
                Turns = Maybe(random) ? random.NextDouble() * 5 : null,
                Noise = Maybe(random) ? random.NextDouble() : null,
            },
            DataKind.Csv => spec with
            {
                File = "a/b.csv",
                Folder = Maybe(random) ? "/data" : null,
                Label = Maybe(random) ? "y" : null,
                Regression = Maybe(random),
                TestFraction = Maybe(random) ? 0.25 : null,
            },
            DataKind.Idx when Maybe(random) => spec with { TrainImages = "a", TrainLabels = "b" },
            DataKind.Idx => spec with { TrainImages = "a", TrainLabels = "b", TestImages = "c", TestLabels = "d", Folder = "x y" },
            _ => spec with { Noise = Maybe(random) ? random.NextDouble() : null },
        };
    }

    private static DataSpec Pairs(DataSpec spec, Random random) =>
        SpecReader.IsGenerated(spec.From)
            ? spec with
            {
                Noise = Maybe(random) ? random.NextDouble() : null,
            }
            : spec with
            {
                Folder = spec.From == DataKind.Cifar10 && Maybe(random) ? "/data" : null,
            };

    private static ModelSpec Dense(LossKind loss, Random random) =>
        new()
        {
            Hidden = [.. Some([1, 8, 64, 300], random)],
            Activation = Any(Enum.GetValues<Activation>(), random),
            OutputActivation = loss == LossKind.Squared ? Any(Enum.GetValues<Activation>(), random) : Activation.Linear,
            Bias = Maybe(random),
            Initializer = Any(Enum.GetValues<Initializer>(), random),
            Start = Start(random),
        };

    private static ModelSpec Layers(Random random)
    {
        var model = Maybe(random)
            ? ModelPresets.Find(Any(ModelPresets.Names, random))!
            : new ModelSpec
            {
                Kind = ModelKind.Layers,
                Layers = Layers(random, 0),
                Towers = random.Next(1, 3),
            };
        model = model with { Initializer = Any(Enum.GetValues<Initializer>(), random) };
        return model.Kind == ModelKind.Layers && Maybe(random)
            ? model with
            {
                Temperature = 0.07,
                LearnTemperature = Maybe(random),
            }
            : model;
    }

    private static LayerSpec[] Layers(Random random, int depth) =>
        [
            .. Enumerable
                .Range(0, random.Next(1, 5))
                .Select(_ =>
                {
                    var kind = Any(Enum.GetValues<LayerKind>().Where(k => depth < 2 || k != LayerKind.Residual).ToArray(), random);
                    return kind switch
                    {
                        LayerKind.Conv2d => LayerSpec.Conv(
                            random.Next(1, 99),
                            3,
                            random.Next(1, 4),
                            random.Next(0, 3),
                            random.Next(1, 4),
                            Maybe(random)
                        ),
                        LayerKind.MaxPool => LayerSpec.Max(2, random.Next(1, 4)),
                        LayerKind.AvgPool => LayerSpec.Average(random.Next(0, 3)),
                        LayerKind.Dense => LayerSpec.Dense(Maybe(random) ? null : 7, Maybe(random)),
                        LayerKind.BatchNorm => new(kind) { Momentum = 0.25, Epsilon = 1e-3 },
                        LayerKind.GroupNorm => new(kind) { Groups = random.Next(1, 9) },
                        LayerKind.Dropout => new(kind) { Rate = 0.125 },
                        LayerKind.Activation => LayerSpec.Activated(Any(Enum.GetValues<Activation>(), random)),
                        LayerKind.Residual => LayerSpec.Around(Layers(random, depth + 1), Maybe(random) ? [] : Layers(random, depth + 1)),
                        _ => new(kind),
                    };
                }),
        ];

    private static OptimizerSpec Optimizer(Random random)
    {
        var spec = new OptimizerSpec { Kind = Any(Enum.GetValues<OptimizerKind>(), random) };
        if (Maybe(random))
            spec = spec with { WeightDecay = Any([0, 1e-4], random) };
        if (spec.HasMomentum)
            spec = spec with { Momentum = random.NextDouble() * 0.99 };
        if (spec.HasTrust)
            spec = spec with { Trust = random.NextDouble() + 1e-9 };
        if (spec.HasMemory)
            spec = spec with { Memory = random.Next(1, 20) };
        if (spec.UsesLineSearch)
            spec = spec with
            {
                LineSearch = Any(SpecVocabulary.LineSearches.Skip(spec.HasMemory ? 0 : 1).Select(w => w.Value).ToArray(), random),
            };
        if (spec.HasTrials)
            spec = spec with { Trials = random.Next(1, 40) };
        if (spec.HasBetas)
            spec = spec with { Beta1 = 0.5, Beta2 = 0.99 };
        if (spec.HasRho && Maybe(random))
            spec = spec with { Rho = 0.95 };
        if (spec.HasEpsilon && Maybe(random))
            spec = spec with { Epsilon = 1e-7 };
        return spec;
    }

    private static LearningRateSpec Rate(IEnumerable<BatchSize> batches, Random random) =>
        Maybe(random)
            ? new LearningRateSpec
            {
                Rule = LearningRateRule.Tuned,
                Tuned = batches.ToDictionary(b => b.ToString(), _ => random.NextDouble() + 1e-9),
            }
            : new LearningRateSpec
            {
                Rate = random.NextDouble() + 1e-9,
                Rule = Any(SpecVocabulary.Rules.Select(w => w.Value).ToArray(), random),
                ReferenceBatchSize = Any([32, 64], random),
            };

    private static double[]? Start(Random random) => Maybe(random) ? null : [random.NextDouble(), -random.NextDouble()];

    private static bool Maybe(Random random) => random.Next(2) == 0;

    private static T Any<T>(IReadOnlyList<T> values, Random random) => values[random.Next(values.Count)];

    private static IEnumerable<T> Some<T>(IEnumerable<T> values, Random random) => values.Where(_ => Maybe(random));
}
