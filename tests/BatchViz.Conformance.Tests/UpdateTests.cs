using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests;

namespace BatchViz.Conformance.Tests;

/// <summary>Same spec, same seeds: update by update the same records and weights, up to what rounding makes of them.</summary>
public sealed class UpdateTests
{
    /// <summary>Of numbers' sizes; and of weights after all updates, by norm. Rounding grows along a run, most in searches.</summary>
    private const double Share = 1e-3,
        Weights = 3e-4;

    /// <summary>No engine gives this for anything here.</summary>
    private const float Unwritten = -7.5e33f;

    public static IEnumerable<object[]> Models =>
        from engine in Engines.Names
        from problem in Problem.Models
        select new object[] { engine, problem.Name };

    public static IEnumerable<object[]> Ways =>
        from engine in Engines.Names
        from problem in Problem.Ways
        select new object[] { engine, problem.Name };

    public static IEnumerable<object[]> All => Engines.Names.Select(engine => new object[] { engine });

    [Theory, MemberData(nameof(Models)), MemberData(nameof(Ways))]
    public void Records_and_weights_agree(string engine, string name)
    {
        var problem = Problem.Named(name);
        int updates = problem.Updates;
        using var tested = Engines.Make(engine);
        using IEngineData wantedData = Engines.Anchor.Load(problem.Data),
            givenData = tested.Load(problem.Data);
        using IBundle wanted = Engines.Anchor.CreateBundle(wantedData, problem.Spec),
            given = tested.CreateBundle(givenData, problem.Spec);
        Close.ByNorm(wanted.Export(0).Weights, given.Export(0).Weights, 0, "initial weights");
        RecordBlock a = new(2, updates, wanted.Layout.Width),
            b = new(2, updates, given.Layout.Width);
        wanted.Advance(updates, a);
        // In pieces: how many are asked for at once changes nothing.
        var piece = new RecordBlock(2, updates, given.Layout.Width);
        for (int made = 0; made < updates; made += 5)
        {
            int now = Math.Min(5, updates - made);
            for (int m = 0; m < 2; m++)
                piece.Of(m).Fill(Unwritten);
            given.Advance(now, piece);
            for (int m = 0; m < 2; m++)
            {
                Assert.Equal(now, piece.Rows[m]);
                for (int row = 0; row < now; row++)
                {
                    for (int c = 0; c < given.Layout.Width; c++)
                        Assert.False(piece.Row(m, row)[c].Equals(Unwritten), $"{given.Layout.Columns[c].Name} is not written");
                    piece.Row(m, row).CopyTo(b.Row(m, made + row));
                }
            }
        }
        double share = problem.Spec.Optimizer.UsesLineSearch ? 20 * Share : Share;
        for (int m = 0; m < 2; m++)
        {
            Assert.Equal(updates, given.Updates(m));
            for (int row = 0; row < updates; row++)
                Close.Record(
                    wanted.Layout,
                    problem.Network.ParameterCount,
                    a.Row(m, row),
                    b.Row(m, row),
                    share,
                    $"member {m}, update {row + 1}"
                );
            Keyframe one = wanted.Export(m),
                other = given.Export(m);
            Close.ByNorm(one.Weights, other.Weights, share == Share ? Weights : 30 * Weights, "weights");
            Assert.Equal(one.OptimizerState.Length, other.OptimizerState.Length);
            if (share == Share)
                for (int s = 0; s < one.OptimizerState.Length; s++)
                    Close.ByNorm(one.OptimizerState[s], other.OptimizerState[s], 10 * Share, $"state {s}");
            int statistics = (int)(one.Statistics!.Length - (problem.Network.Layered ? problem.Network.Graph.Statistics : 0));
            Close.ByNorm(Floats(one.Statistics[statistics..]), Floats(other.Statistics![statistics..]), Weights, "running statistics");
            Assert.Equal(wanted.NextBatch(m), given.NextBatch(m));
        }
    }

    /// <summary>A keyframe of one engine is one of every other, in the middle of an epoch and of an optimiser's life.</summary>
    [Theory, MemberData(nameof(Ways))]
    public void A_keyframe_goes_from_engine_to_engine(string engine, string name)
    {
        var problem = Problem.Named(name);
        using var tested = Engines.Make(engine);
        using IEngineData wantedData = Engines.Anchor.Load(problem.Data),
            givenData = tested.Load(problem.Data);
        using IBundle wanted = Engines.Anchor.CreateBundle(wantedData, problem.Spec),
            given = tested.CreateBundle(givenData, problem.Spec);
        RecordBlock a = new(2, 9, wanted.Layout.Width),
            b = new(2, 9, given.Layout.Width);
        wanted.Advance(9, a);
        given.Restore(1, wanted.Export(1));
        Assert.Equal(9, given.Updates(1));
        wanted.Advance(3, a);
        given.Advance(3, b);
        double share = problem.Spec.Optimizer.UsesLineSearch ? 20 * Share : Share;
        for (int row = 0; row < 3; row++)
            Close.Record(wanted.Layout, problem.Network.ParameterCount, a.Row(1, row), b.Row(1, row), share, $"update {10 + row}");
        Assert.Equal((3, 12), (given.Updates(0), given.Updates(1)));
    }

    /// <summary>
    /// One member's rate is fine and the other's start is not: it diverges alone, and its last weights are those before the update that
    /// failed.
    /// </summary>
    [Theory, MemberData(nameof(All))]
    public void A_member_that_diverges_does_so_alone(string engine)
    {
        var problem = Problem.Named("dense Tanh");
        using var tested = Engines.Make(engine);
        using var data = tested.Load(problem.Data);
        using var bundle = tested.CreateBundle(data, problem.Spec);
        using var alone = tested.CreateBundle(data, problem.Spec with { Seeds = [problem.Spec.Seeds[0]] });
        var block = new RecordBlock(2, 40, bundle.Layout.Width);
        var one = new RecordBlock(1, 40, bundle.Layout.Width);
        bundle.Advance(3, block);
        alone.Advance(3, one);
        var spoiled = bundle.Export(1);
        spoiled.Weights[5] = float.NaN;
        bundle.Restore(1, spoiled);
        bundle.Advance(40, block);
        alone.Advance(40, one);
        Assert.Equal((40, 1), (block.Rows[0], block.Rows[1]));
        Assert.Equal((false, true), (bundle.Diverged(0), bundle.Diverged(1)));
        Assert.Equal((43, 3), (bundle.Updates(0), bundle.Updates(1)));
        Assert.True(float.IsNaN(block.Row(1, 0)[RecordLayout.Loss]));
        Assert.Equal(spoiled.Weights, bundle.Export(1).Weights);
        Close.ByNorm(alone.Export(0).Weights, bundle.Export(0).Weights, Weights, "the sibling");
        bundle.Advance(2, block);
        Assert.Equal((2, 0), (block.Rows[0], block.Rows[1]));
    }

    [Theory, MemberData(nameof(All))]
    public void A_rate_too_large_ends_at_about_the_same_update(string engine)
    {
        var problem = Problem.Named("dense, squared");
        // A linear model, so that what rounding does does not grow faster than the numbers.
        var spec = problem.Spec with
        {
            LearningRate = 30,
            Network = Sets.Net(problem.Data, LossKind.Squared, []),
        };
        using var tested = Engines.Make(engine);
        using IEngineData wantedData = Engines.Anchor.Load(problem.Data),
            givenData = tested.Load(problem.Data);
        using IBundle wanted = Engines.Anchor.CreateBundle(wantedData, spec),
            given = tested.CreateBundle(givenData, spec);
        RecordBlock a = new(2, 60, wanted.Layout.Width),
            b = new(2, 60, given.Layout.Width);
        wanted.Advance(60, a);
        given.Advance(60, b);
        for (int m = 0; m < 2; m++)
        {
            Assert.True(wanted.Diverged(m) && given.Diverged(m));
            // Where squares of float32 overflow depends on how they are added up.
            Assert.InRange(b.Rows[m], a.Rows[m] - 1, a.Rows[m] + 1);
            Assert.Equal(b.Rows[m] - 1, given.Updates(m));
        }
    }

    [Theory, MemberData(nameof(All))]
    public void A_batch_that_cannot_fit_is_refused_before_anything_is_taken(string engine)
    {
        var problem = Problem.Named("dense Tanh");
        using var tested = Engines.Make(engine);
        using var data = tested.Load(problem.Data);
        var account = tested.Predict(problem.Spec, problem.Data);
        Assert.True(account.Weights > 0 && account.Activations > 0 && account.Total < 100_000_000, $"{account}");
        var larger = tested.Predict(problem.Spec with { BatchSize = 300 }, problem.Data);
        Assert.True(larger.Activations > account.Activations && larger.Weights == account.Weights);
    }

    [Theory, MemberData(nameof(All))]
    public void What_does_not_fit_the_data_is_refused(string engine)
    {
        var problem = Problem.Named("dense Tanh");
        using var tested = Engines.Make(engine);
        using var data = tested.Load(problem.Data);
        var wrong = problem.Spec with { Network = problem.Network with { Sizes = [48, 20, 12, 10] } };
        Assert.Equal(
            "The model has 48 inputs, images has 49.",
            Assert.Throws<RefusedException>(() => tested.CreateBundle(data, wrong)).Message
        );
        using var bundle = tested.CreateBundle(data, problem.Spec);
        Assert.Throws<ArgumentException>(() => bundle.Restore(0, new Keyframe(1, new float[3], [])));
        Assert.Throws<ArgumentException>(() => bundle.Advance(3, new RecordBlock(2, 2, bundle.Layout.Width)));
    }

    private static float[] Floats(double[] values) => Array.ConvertAll(values, v => (float)v);

    /// <summary>Where a softmax is nearly sure, p − 1 of the right class has no digits left; the examples' gradients have theirs.</summary>
    [Theory, MemberData(nameof(All))]
    public void The_smallest_example_norm_keeps_its_digits(string engine)
    {
        var images = Sets.Images(60);
        using var tested = Engines.Make(engine);
        foreach (var network in new[] { Sets.Net(images, LossKind.CrossEntropy, [24], Activation.Tanh), Sets.Layers(images) })
        {
            var (sure, start) = Sets.Sure(images, network);
            using IEngineData wantedData = Engines.Anchor.Load(sure),
                givenData = tested.Load(sure);
            foreach (int batch in new[] { 1, 20 })
            {
                var spec = new BundleSpec(network, new(), new() { Order = SampleOrder.Sequential }, batch, 1e-12, [1, 2]);
                using IBundle wanted = Engines.Anchor.CreateBundle(wantedData, spec),
                    given = tested.CreateBundle(givenData, spec);
                RecordBlock a = wanted.Block(60 / batch),
                    b = given.Block(60 / batch);
                for (int m = 0; m < 2; m++)
                {
                    wanted.StartAt(start, m);
                    given.StartAt(start, m);
                }
                wanted.Advance(60 / batch, a);
                given.Advance(60 / batch, b);
                for (int row = 0; row < 60 / batch; row++)
                {
                    double one = a.Row(1, row)[RecordLayout.ExampleNormMin],
                        other = b.Row(1, row)[RecordLayout.ExampleNormMin];
                    Close.Number(one, other, 1e-3, $"{(network.Layered ? "layers" : "dense")}, B = {batch}, update {row + 1}", least: 0);
                }
            }
        }
    }

    /// <summary>The vectors of a trace are those of its seed and update: others at every mark of a run, the same in every engine.</summary>
    [Theory, MemberData(nameof(All))]
    public void Traces_at_other_updates_are_on_other_vectors(string engine)
    {
        var problem = Problem.Named("tiny, logistic");
        using var tested = Engines.Make(engine);
        using IEngineData wantedData = Engines.Anchor.Load(problem.Data),
            givenData = tested.Load(problem.Data);
        using IBundle bundle = Engines.Anchor.CreateBundle(wantedData, problem.Spec),
            same = tested.CreateBundle(givenData, problem.Spec);
        using IWeights weights = bundle.Snapshot(0),
            theirs = same.Snapshot(0);
        using IProbe probe = Engines.Anchor.CreateProbe(wantedData, problem.Network),
            other = tested.CreateProbe(givenData, problem.Network);
        var set = EvaluationSet.All(Split.Train);
        double[] wanted = [.. Updates.Select(update => probe.Trace(weights, set, 6, 3, update).Trace)];
        double[] given = [.. Updates.Select(update => other.Trace(theirs, set, 6, 3, update).Trace)];
        for (int i = 0; i < wanted.Length; i++)
            Close.Number(wanted[i], given[i], 1e-3, $"update {Updates[i]}", 1e-3);
        Assert.Equal(wanted.Length, wanted.Distinct().Count());
        Assert.Throws<ArgumentOutOfRangeException>(() => other.Trace(theirs, set, 6, 3, -1));
    }

    private static long[] Updates => [0, 1, 2, 1_000_000, 5_000_000_000];
}
