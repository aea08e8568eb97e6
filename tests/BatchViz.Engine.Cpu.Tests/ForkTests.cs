using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Runs that go on from another's keyframe: without a change bit for bit as it does, with one as the reference says.</summary>
public class ForkTests
{
    private const int N = 50;

    /// <summary>Dense nets, and tiny ones out of shared lanes, in the middle of an epoch, and forked once more.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void AForkWithoutAChangeIsItsParent(KernelPath path)
    {
        const int First = 17,
            Second = 8,
            Rest = 40;
        using var engine = new CpuEngine(path);
        foreach (var kind in Enum.GetValues<OptimizerKind>())
        {
            foreach (var plan in Plans(kind))
            {
                using var data = engine.Load(plan.Data);
                using var parents = engine.CreateBundle(data, plan.BundleOf(plan.Runs));
                parents.AdvanceBits(First);
                int member = plan.Runs.Count - 1;
                var begin = parents.Export(member);
                int[] expected = parents.AdvanceBits(Second + Rest, member);
                var end = parents.Export(member);

                var run = Fork(plan, plan.Runs[member], First);
                using var fork = Begin(engine, data, plan, run, begin);
                int[] own = fork.AdvanceBits(Second);
                using var again = Begin(engine, data, plan, Fork(plan, run, First + Second), fork.Export(0));
                Assert.Equal(expected, own.Concat(again.AdvanceBits(Rest)));
                AssertSame(end, again.Export(0));
            }
        }

        static IEnumerable<ExperimentPlan> Plans(OptimizerKind kind)
        {
            DataSet images = Sets.Images(N),
                plane = Sets.Plane(N);
            var dense = Spec(new ModelSpec { Hidden = [24, 17] }, LossKind.CrossEntropy, new() { Kind = kind });
            var tiny = Spec(new ModelSpec { Hidden = [8, 8], Activation = Activation.Gelu }, LossKind.Logistic, new() { Kind = kind }) with
            {
                Seeds = [.. Enumerable.Range(1, 16).Select(seed => (uint)seed)],
            };
            yield return SpecResolver.Resolve(dense, images);
            yield return SpecResolver.Resolve(dense with { Sampler = new() { Remainder = RemainderPolicy.Carry } }, images);
            yield return SpecResolver.Resolve(tiny with { Sampler = new() { Remainder = RemainderPolicy.Wrap } }, plane);
            yield return SpecResolver.Resolve(
                tiny with
                {
                    Sampler = new() { Order = SampleOrder.Replacement, Remainder = RemainderPolicy.Reweight },
                    MicroBatch = 20,
                    Schedule = new() { Kind = ScheduleKind.Cosine, Warmup = new(WarmupKind.Gradual, 0.5) },
                    BatchSchedule = new(2, 1),
                },
                plane
            );
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void AForkOfTheFirstWeightsIsARunWithItsSettings(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        foreach (
            var model in new[]
            {
                new ModelSpec { Hidden = [33] },
                new ModelSpec { Hidden = [5] },
            }
        )
        {
            foreach (var kind in Enum.GetValues<OptimizerKind>())
            {
                var plan = SpecResolver.Resolve(
                    Spec(
                        model,
                        LossKind.Logistic,
                        new() { Kind = new OptimizerSpec { Kind = kind }.UsesLineSearch ? OptimizerKind.Lbfgs : OptimizerKind.Momentum }
                    ),
                    Sets.Plane(N)
                );
                using var data = engine.Load(plan.Data);
                using var parent = engine.CreateBundle(data, plan.BundleOf(plan.Runs));
                var run = Fork(
                    plan,
                    plan.Runs[0],
                    0,
                    ("optimizer", SpecVocabulary.Of(SpecVocabulary.Optimizers, kind)),
                    ("batchSize", "13"),
                    ("learningRate", "0.03")
                );
                using var fork = Begin(engine, data, plan, run, parent.Export(0));
                using var fresh = engine.CreateBundle(data, Sets.Spec(plan.Network, 13, kind, 0.03));
                Assert.Equal(fresh.AdvanceBits(30), fork.AdvanceBits(30));
                AssertSame(fresh.Export(0), fork.Export(0));
            }
        }
    }

    /// <summary>
    /// Every kind of optimiser after every other, or the same with other settings; then once more the same with other settings, whose
    /// corrections for its age must count from where it began.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void ForksWithOtherSettingsAgreeWithTheReference(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var kinds = Sets.WithoutSearch;
        foreach (var remainder in new[] { RemainderPolicy.Keep, RemainderPolicy.Reweight, RemainderPolicy.Carry })
        {
            foreach (var from in kinds)
            {
                foreach (var to in kinds)
                {
                    // A tiny ε would divide rounding noise by its own size, and no comparison would be possible.
                    var spec = Spec(
                        new ModelSpec { Hidden = [7], Activation = Activation.Tanh },
                        LossKind.Logistic,
                        new()
                        {
                            Kind = from,
                            WeightDecay = 0.02,
                            Epsilon = 0.01,
                        }
                    ) with
                    {
                        Sampler = new() { Order = SampleOrder.Sequential, Remainder = remainder },
                        Schedule = new()
                        {
                            Kind = ScheduleKind.Step,
                            Factor = 0.5,
                            EveryEpochs = 1,
                        },
                    };
                    var own = new OptimizerSpec { Kind = to };
                    (string, string)[] ownEpsilon = own.HasEpsilon ? [("optimizer.epsilon", "0.01")] : [];
                    (string, string) other =
                        own.HasMomentum ? ("optimizer.momentum", "0.7")
                        : own.HasBetas ? ("optimizer.beta1", "0.8")
                        : own.HasRho ? ("optimizer.rho", "0.8")
                        : ("optimizer.weightDecay", "0.1");
                    AgreesWithReference(
                        engine,
                        SpecResolver.Resolve(spec, Sets.Plane(N)),
                        [
                            (9, [("optimizer", SpecVocabulary.Of(SpecVocabulary.Optimizers, to)), .. ownEpsilon, ("batchSize", "7")]),
                            (21, [other, ("batchSize", "11"), ("learningRate", "0.05")]),
                            (30, [("schedule.kind", "constant")]),
                        ]
                    );
                }
            }
        }
    }

    /// <summary>Batches by a walk over the file's order, rates and steps by their formulas.</summary>
    private static void AgreesWithReference(CpuEngine engine, ExperimentPlan plan, (long Update, (string, string)[] Set)[] forks)
    {
        const int Updates = 45;
        using var data = engine.Load(plan.Data);
        var examples = RandomCase.ExamplesOf(plan.Data.Train);
        var net = new ReferenceNet(plan.Network);
        var run = plan.Runs[0];
        var bundle = engine.CreateBundle(data, plan.BundleOf([run]));
        var w = bundle.Weights().Doubles();
        var optimizer = new ReferenceOptimizer(run.Optimizer, run.LearningRate, w.Length, net.Layers);
        var remainder = plan.Spec.Sampler.Remainder;
        int at = 0,
            used = 0,
            size = run.BatchSize;
        for (int made = 0; made < Updates; made++)
        {
            if (forks.FirstOrDefault(f => f.Update == made) is { Set: { } set })
            {
                run = Fork(plan, run, made, set);
                var next = Begin(engine, data, plan, run, bundle.Export(0));
                bundle.Dispose();
                bundle = next;
                optimizer.Become(run.Optimizer, run.LearningRate);
                if (run.BatchSize != size && remainder != RemainderPolicy.Carry)
                    at = 0;
                size = run.BatchSize;
            }
            int count = remainder == RemainderPolicy.Carry ? size : Math.Min(size, N - at);
            List<Example> batch = [.. Enumerable.Range(at, count).Select(i => examples[i % N])];
            double rate = run.LearningRate * (run.Schedule.Kind == ScheduleKind.Step ? Math.Pow(0.5, used / N) : 1);
            optimizer.Step(w, net.Gradient(w, batch).Gradient, remainder == RemainderPolicy.Reweight ? (double)count / size : 1, rate);
            at = (at + count) % N;
            used += count;

            var block = bundle.Block(1);
            bundle.Advance(1, block);
            Assert.Equal((float)rate, block.Row(0, 0)[RecordLayout.LearningRate]);
            Assert.Equal(count, block.Row(0, 0)[RecordLayout.BatchSize]);
            Assert.Equal(used, run.Progress.ExamplesAfter(bundle.Updates(0)));
            double off = Vectors.Distance(bundle.Weights().Doubles(), w);
            Assert.True(
                off <= 1e-4 * Vectors.Norm(w),
                $"{plan.Spec.Optimizer.Kind} to {run.Optimizer.Kind}, {remainder}: {off:E1} off after update {made + 1}"
            );
        }
        bundle.Dispose();
    }

    /// <summary>Batches of 4 at a rate of 0.02.</summary>
    private static ExperimentSpec Spec(ModelSpec model, LossKind loss, OptimizerSpec optimizer) =>
        new()
        {
            Name = "forks",
            Data = new DataSpec { Kind = DataKind.Csv },
            Model = model,
            Loss = loss,
            Optimizer = optimizer,
            LearningRate = new LearningRateSpec { Rate = 0.02 },
            BatchSizes = [new BatchSize(4)],
            Budget = new BudgetSpec { Epochs = 20 },
        };

    private static RunPlan Fork(ExperimentPlan plan, RunPlan parent, long update, params (string Key, string Value)[] set) =>
        ForkResolver.Resolve(plan, parent, update, set.ToDictionary(s => s.Key, s => s.Value), plan.Runs.Count);

    private static IBundle Begin(CpuEngine engine, IEngineData data, ExperimentPlan plan, RunPlan fork, Keyframe parent)
    {
        var bundle = engine.CreateBundle(data, plan.BundleOf([fork]));
        bundle.Restore(0, ForkResolver.Begin(parent, fork));
        return bundle;
    }

    private static void AssertSame(Keyframe expected, Keyframe actual)
    {
        Assert.Equal(expected.Updates, actual.Updates);
        Assert.Equal(Vectors.Bits(expected.Weights), Vectors.Bits(actual.Weights));
        Assert.Equal(
            expected.OptimizerState.Select(state => Vectors.Bits(state)),
            actual.OptimizerState.Select(state => Vectors.Bits(state))
        );
        Assert.Equal(expected.Statistics, actual.Statistics);
    }
}
