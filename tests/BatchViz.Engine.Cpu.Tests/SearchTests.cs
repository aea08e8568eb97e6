using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.FullGradient;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>
/// L-BFGS and conjugate gradients: against the reference, from every state that a run comes to; and where there is nothing good to do.
/// </summary>
public class SearchTests
{
    private static readonly (OptimizerKind Kind, LineSearch Search)[] All =
    [
        (OptimizerKind.Lbfgs, LineSearch.None),
        (OptimizerKind.Lbfgs, LineSearch.Backtracking),
        (OptimizerKind.Lbfgs, LineSearch.StrongWolfe),
        (OptimizerKind.ConjugateGradient, LineSearch.Backtracking),
        (OptimizerKind.ConjugateGradient, LineSearch.StrongWolfe),
    ];

    /// <summary>
    /// The reference makes each update from where the engine stands, pairs and all: what a search decides by a hair in one precision may
    /// go the other way in another, and would not be comparable after that.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void EachUpdateIsThatOfTheReference(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        int compared = 0,
            otherwise = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            var random = RandomCase.Make(seed, widest: 20);
            if (random.Network.Model.Activation == Activation.Relu || random.Network.Model.OutputActivation == Activation.Relu)
                continue;
            using var data = engine.Load(random.Data);
            var net = new ReferenceNet(random.Network);
            foreach (var (kind, search) in All)
            {
                var optimizer = new OptimizerSpec
                {
                    Kind = kind,
                    LineSearch = search,
                    Memory = 3,
                    WeightDecay = random.Optimizer.WeightDecay,
                    Trials = 12,
                };
                var spec = random.Spec() with { Optimizer = optimizer, LearningRate = 0.5 };
                using var bundle = engine.CreateBundle(data, spec);
                bundle.StartAt(random.Start);
                var sampler = spec.SamplerOf(0, random.Data.Train.Count);
                var indices = new int[random.BatchSize];
                var block = bundle.Block(1);
                for (int u = 1; u <= 8; u++)
                {
                    var (w, reference) = Stand(bundle, optimizer);
                    double[] before = [.. w];
                    int count = sampler.Fill(u, indices);
                    List<Example> batch = [.. indices[..count].Select(i => random.Examples[i])];
                    reference.Step(w, x => net.Gradient(x, batch), 0.5, sampler.GradientWeight(u, count));
                    bundle.Advance(1, block);
                    Assert.False(bundle.Diverged(0), $"{random}");
                    var layout = bundle.Layout;
                    var record = block.Row(0, 0);
                    double step = record[layout.StepLength];
                    // Of a loss that is nearly 0 a float knows the slope to a few bits only; and so of what is left of one where −g and βp
                    // nearly cancel.
                    double gradient = record[RecordLayout.GradientNorm];
                    if (gradient < 1e-3 || (kind == OptimizerKind.ConjugateGradient && Vectors.Norm(reference.Direction) < gradient / 10))
                        continue;
                    compared++;
                    // Interpolation takes differences of losses, and magnifies what floats round away: the direction is exact, the step
                    // along it is not always.
                    bool sameWay =
                        reference.Gradients == record[layout.Gradients]
                        && reference.Forwards == record[layout.Forwards]
                        && Math.Abs(reference.StepLength - step) <= (search == LineSearch.StrongWolfe ? 1e-2 : 1e-6) * reference.StepLength;
                    if (!sameWay)
                        otherwise++;
                    if (reference.Fallbacks != record[layout.Fallbacks] || reference.Skipped != record[layout.Skipped])
                        continue;
                    double[] expected = [.. before.Zip(reference.Direction, (x, d) => x + step * d)];
                    double off = Vectors.Distance(bundle.Weights().Doubles(), expected);
                    Assert.True(
                        off <= 1e-5 * Math.Max(Vectors.Norm(expected), Vectors.Distance(expected, before)),
                        $"{random}, {kind}, {search}: {off:E1} off after update {u}"
                    );
                }
            }
        }
        Assert.True(compared > 800 && otherwise <= compared / 50, $"{otherwise} of {compared} searches went another way");
    }

    /// <summary>
    /// A linear model's squared loss is a quadratic of three weights: conjugate gradients need few steps, L-BFGS not many more.
    /// </summary>
    [Fact]
    public void AQuadraticIsSolvedInAFewUpdates()
    {
        var random = new Random(8);
        float[] features = [.. Enumerable.Range(0, 80).Select(_ => (float)(2 * random.NextDouble() - 1))];
        float[] targets = [.. Enumerable.Range(0, 40).Select(i => 3 * features[2 * i] - 2 * features[2 * i + 1] + 1)];
        var set = new DataSet(
            "plane",
            DataTask.Regression,
            2,
            1,
            new DataSplit
            {
                Count = 40,
                Inputs = 2,
                Floats = features,
                Targets = targets,
            },
            null
        );
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        foreach (var (kind, search) in All)
        {
            var spec = Sets.Spec(new NetworkSpec(new ModelSpec(), LossKind.Squared, [2, 1]), 40, kind, 1) with
            {
                Optimizer = new() { Kind = kind, LineSearch = search },
            };
            using var bundle = engine.CreateBundle(data, spec);
            bundle.AdvanceBits(search == LineSearch.Backtracking ? 40 : 15);
            float[] w = bundle.Weights();
            Assert.True(Vectors.Distance(w.Doubles(), [3, -2, 1]) < 1e-3, $"{kind}, {search}: {string.Join(' ', w)}");
        }
    }

    /// <summary>
    /// Batches of a few examples whose labels are noise, at rates that plain descent does not survive: every number is one, or the run says
    /// that it has diverged.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void NoisyBatchesNeverSlipNaNThroughAsANumber(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        var random = new Random(9);
        DataSet images = Sets.Images(120),
            plane = Sets.Plane(60);
        int[] noise = [.. Enumerable.Range(0, 120).Select(_ => random.Next(10))];
        images = images with { Train = images.Train with { Labels = noise } };
        double skipped = 0;
        foreach (var (kind, search) in All)
        {
            foreach (double rate in new[] { 1.0, 30, 1e6 })
            {
                foreach (int batch in new[] { 1, 4 })
                {
                    Check(images, Sets.Net(images, LossKind.CrossEntropy, [20]));
                    Check(plane, Sets.Net(plane, LossKind.Squared, [8, 8], Activation.Tanh));

                    void Check(DataSet set, NetworkSpec network)
                    {
                        using var data = engine.Load(set);
                        var spec = Sets.Spec(network, batch, kind, rate) with
                        {
                            Optimizer = new() { Kind = kind, LineSearch = search },
                        };
                        using var bundle = engine.CreateBundle(data, spec);
                        var block = bundle.Block(150);
                        bundle.Advance(150, block);
                        var layout = bundle.Layout;
                        for (int r = 0; r < block.Rows[0] - (bundle.Diverged(0) ? 1 : 0); r++)
                        {
                            var record = block.Row(0, r);
                            int[] mustBe =
                            [
                                RecordLayout.Loss,
                                RecordLayout.GradientNorm,
                                RecordLayout.UpdateNorm,
                                layout.Flops,
                                layout.StepLength,
                                layout.Skipped,
                                layout.Fallbacks,
                            ];
                            foreach (int c in mustBe)
                                Assert.True(
                                    float.IsFinite(record[c]),
                                    $"{kind}, {search}, rate {rate}, B = {batch}: {layout.Columns[c].Name} of update {r + 1} is {record[c]}"
                                );
                        }
                        Assert.All(bundle.Weights(), w => Assert.True(float.IsFinite(w)));
                        if (search != LineSearch.None && rate == 1)
                            Assert.False(bundle.Diverged(0), $"{kind}, {search}, rate {rate}, B = {batch}");
                        skipped += block.Row(0, block.Rows[0] - 1)[layout.Skipped];
                    }
                }
            }
        }
        Assert.True(skipped > 0, "no pair was ever left out");
    }

    /// <summary>
    /// A concave stretch has sᵀy below 0: the pair is left out and counted, and the next direction is as if it had not been.
    /// </summary>
    [Fact]
    public void APairOfNegativeCurvatureIsLeftOutAndCounted()
    {
        // Between the wells of x⁴/4 − x²/2 the second derivative is negative.
        var set = new DataSet(
            "surface",
            DataTask.Surface,
            2,
            1,
            new DataSplit
            {
                Count = 1,
                Inputs = 2,
                Floats = [0, 0],
            },
            null
        )
        {
            Surface = SurfaceKind.DoubleWell,
        };
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var network = new NetworkSpec(new ModelSpec { Kind = ModelKind.Surface }, LossKind.Surface, [2, 1]);
        var spec = Sets.Spec(network, 1, OptimizerKind.Lbfgs, 0.01) with
        {
            Optimizer = new() { Kind = OptimizerKind.Lbfgs, LineSearch = LineSearch.None },
        };
        using var bundle = engine.CreateBundle(data, spec);
        bundle.StartAt([0.05f, 0]);
        var block = bundle.Block(1);
        bundle.Advance(1, block);
        Assert.True(Surfaces.Hessian(SurfaceKind.DoubleWell, 0.05, 0).Item1 < 0);
        Assert.Equal(1, block.Row(0, 0)[bundle.Layout.Skipped]);
        Assert.All(bundle.Export(0).OptimizerState, vector => Assert.All(vector, v => Assert.Equal(0, v)));
    }

    /// <summary>At a minimum of the batch there is no direction: nothing moves, nothing is NaN, nothing is counted as failed.</summary>
    [Fact]
    public void AtAnExactMinimumNothingMoves()
    {
        var set = new DataSet(
            "line",
            DataTask.Regression,
            1,
            1,
            new DataSplit
            {
                Count = 2,
                Inputs = 1,
                Floats = [1, 2],
                Targets = [3, 5],
            },
            null
        );
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        foreach (var (kind, search) in All)
        {
            using var bundle = engine.CreateBundle(
                data,
                Sets.Spec(new NetworkSpec(new ModelSpec(), LossKind.Squared, [1, 1]), 2, kind, 1) with
                {
                    Optimizer = new() { Kind = kind, LineSearch = search },
                }
            );
            bundle.StartAt([2, 1]);
            var block = bundle.Block(3);
            bundle.Advance(3, block);
            Assert.Equal([2, 1], bundle.Weights());
            var record = block.Row(0, 2);
            Assert.Equal(
                (0, 0, 0, 0),
                (
                    record[RecordLayout.Loss],
                    record[RecordLayout.UpdateNorm],
                    record[bundle.Layout.StepLength],
                    record[bundle.Layout.Fallbacks]
                )
            );
        }
    }

    /// <summary>Passes are counted one by one: two gradients for a fixed step, a forward pass for each halving.</summary>
    [Fact]
    public void FlopsAreThoseOfThePasses()
    {
        var set = Sets.Images(100);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var network = Sets.Net(set, LossKind.CrossEntropy, [20]);
        Assert.Equal(2 * (49 * 20 + 20 * 10), network.ForwardFlopsPerExample);
        foreach (var (kind, search) in All)
        {
            var spec = Sets.Spec(network, 32, kind, 1) with
            {
                Optimizer = new() { Kind = kind, LineSearch = search },
            };
            using var bundle = engine.CreateBundle(data, spec);
            var block = bundle.Block(9);
            bundle.Advance(9, block);
            double flops = 0;
            for (int u = 0; u < 9; u++)
            {
                var record = block.Row(0, u);
                double gradients = record[bundle.Layout.Gradients],
                    forwards = record[bundle.Layout.Forwards];
                Assert.True(
                    gradients >= 2
                        && (search == LineSearch.Backtracking ? forwards >= 1 : record[bundle.Layout.Fallbacks] > 0 || forwards == 0)
                );
                if (search == LineSearch.None)
                    Assert.Equal(2, gradients);
                flops +=
                    (gradients * network.TrainingFlopsPerExample + forwards * network.ForwardFlopsPerExample)
                    * record[RecordLayout.BatchSize];
                Assert.Equal(flops, record[bundle.Layout.Flops], 1e-6 * flops);
            }
        }
    }

    /// <summary>A run that its recording lets search, forked to an optimiser that does not: what was spent stays counted.</summary>
    [Fact]
    public void AForkToAnOptimiserWithoutSearchGoesOnCounting()
    {
        var set = Sets.Images(100);
        using var engine = new CpuEngine();
        using var data = engine.Load(set);
        var spec = Sets.Spec(Sets.Net(set, LossKind.CrossEntropy, [20]), 25, OptimizerKind.Lbfgs, 1);
        using var parent = engine.CreateBundle(data, spec);
        var block = parent.Block(6);
        parent.Advance(6, block);
        var keyframe = parent.Export(0);
        var continuation = new Continuation(spec.ProgressOver(100), 6);
        using var fork = engine.CreateBundle(
            data,
            spec with
            {
                Optimizer = new() { Kind = OptimizerKind.Sgd },
                HasLineSearchColumns = true,
                Continuation = continuation,
            }
        );
        fork.Restore(0, keyframe with { OptimizerState = [] });
        var own = fork.Block(1);
        fork.Advance(1, own);
        Assert.Equal(
            block.Row(0, 5)[parent.Layout.Flops] + 25 * spec.Network.TrainingFlopsPerExample,
            own.Row(0, 0)[fork.Layout.Flops],
            1.0
        );
        Assert.Equal((1, 0), (own.Row(0, 0)[fork.Layout.Gradients], own.Row(0, 0)[fork.Layout.Forwards]));
    }

    /// <summary>Weights and a reference as the bundle's keyframe has them.</summary>
    private static (double[] Weights, ReferenceSearch Reference) Stand(IBundle bundle, OptimizerSpec optimizer)
    {
        var keyframe = bundle.Export(0);
        var search = new SearchState();
        search.Restore(keyframe.Statistics.AsSpan(3));
        var reference = new ReferenceSearch(optimizer) { Skipped = (int)search.Skipped, Fallbacks = (int)search.Fallbacks };
        double[] Vector(int v) => keyframe.OptimizerState[v].Doubles();
        if (optimizer.HasMemory)
        {
            for (long k = Math.Max(0, (long)search.Pairs - optimizer.Memory); k < (long)search.Pairs; k++)
                reference.Pairs.Add((Vector((int)(2 * (k % optimizer.Memory))), Vector((int)(2 * (k % optimizer.Memory) + 1))));
        }
        else if (search.Square > 0)
        {
            reference.Before = (Vector(0), Vector(1), search.Square, search.Step, search.Slope);
            reference.Age = (int)search.Age;
        }
        return (keyframe.Weights.Doubles(), reference);
    }
}
