using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Conformance.Tests;

/// <summary>Evaluations, planes, grids and probes of the same weights are the same numbers, up to rounding.</summary>
public sealed class MeasureTests
{
    private const double Share = 1e-4;

    public static IEnumerable<object[]> Models =>
        from engine in Engines.Names
        from problem in Problem.Models
        select new object[] { engine, problem.Name };

    [Theory, MemberData(nameof(Models))]
    public void Losses_lines_and_outputs_agree(string engine, string name)
    {
        using Trained wanted = new(Engines.Anchor, name),
            given = new(Engines.Make(engine), name, wanted);
        using IEvaluator a = wanted.Evaluator(),
            b = given.Evaluator();
        foreach (var set in wanted.Sets)
        {
            Evaluation one = a.Evaluate(wanted.Weights[0], set),
                other = b.Evaluate(given.Weights[0], set);
            Close.Number(one.Loss, other.Loss, Share, "loss");
            Close.Number(one.Accuracy, other.Accuracy, 0, "accuracy", 1e-9);
        }
        Evaluation[] line = new Evaluation[9],
            theirs = new Evaluation[9];
        a.Line(wanted.Weights[0], wanted.Weights[1], -1, 2, 9, wanted.Sets[0], line, default);
        b.Line(given.Weights[0], given.Weights[1], -1, 2, 9, given.Sets[0], theirs, default);
        for (int i = 0; i < 9; i++)
            Close.Number(line[i].Loss, theirs[i].Loss, 10 * Share, $"line {i}");
        var network = wanted.Problem.Network;
        if (network.Model.Kind == ModelKind.Surface || network.Contrastive)
        {
            Assert.Throws<RefusedException>(() => b.Outputs(given.Weights[0], new float[wanted.Problem.Data.Inputs], new float[1]));
            return;
        }
        var inputs = new float[3 * wanted.Problem.Data.Inputs];
        for (int i = 0; i < 3; i++)
            wanted.Problem.Data.Train.CopyFeatures(i, inputs.AsSpan(i * wanted.Problem.Data.Inputs, wanted.Problem.Data.Inputs));
        float[] outputs = new float[3 * network.Sizes[^1]],
            others = new float[outputs.Length];
        a.Outputs(wanted.Weights[0], inputs, outputs);
        b.Outputs(given.Weights[0], inputs, others);
        Close.ByNorm(outputs, others, Share, "outputs");
    }

    [Theory, MemberData(nameof(Models))]
    public void Planes_projections_and_grids_agree(string engine, string name)
    {
        using Trained wanted = new(Engines.Anchor, name),
            given = new(Engines.Make(engine), name, wanted);
        using IEvaluator a = wanted.Evaluator(),
            b = given.Evaluator();
        double[] gram = a.CentredGram(wanted.Weights),
            other = b.CentredGram(given.Weights);
        double size = Enumerable.Range(0, 3).Max(i => gram[4 * i]);
        for (int i = 0; i < gram.Length; i++)
            Close.Number(gram[i], other[i], Share, $"Gram {i}", Share * size);
        var planes = new List<(string, Func<IEvaluator, Trained, IPlane>)>
        {
            ("combination", (evaluator, of) => evaluator.CombinationPlane(of.Weights, [0.7, -0.5, -0.2], [0.1, 0.5, -0.6])),
            ("through three", (evaluator, of) => evaluator.PlaneThrough(of.Weights[0], of.Weights[1], of.Weights[2])),
        };
        if (wanted.Problem.Network.ParameterCount > 2)
            planes.Add(("random", (evaluator, of) => evaluator.RandomPlane(of.Weights, 3)));
        else
            planes.Add(("weights", (evaluator, _) => evaluator.WeightPlane()));
        foreach (var (word, make) in planes)
        {
            using IPlane one = make(a, wanted),
                two = make(b, given);
            Close.Number(one.UnitLength.X, two.UnitLength.X, Share, $"{word}, unit x");
            Close.Number(one.UnitLength.Y, two.UnitLength.Y, Share, $"{word}, unit y");
            double span = 0;
            for (int w = 0; w < 3; w++)
            {
                PlanePoint p = a.Project(one, wanted.Weights[w]),
                    q = b.Project(two, given.Weights[w]);
                span = Math.Max(span, Math.Max(Math.Abs(p.X), Math.Abs(p.Y)));
                double least = 1e-4 * Math.Max(span, 1);
                Close.Number(p.X, q.X, 1e-3, $"{word}, x of {w}", least);
                Close.Number(p.Y, q.Y, 1e-3, $"{word}, y of {w}", least);
                Close.Number(p.OffPlane, q.OffPlane, 1e-3, $"{word}, distance of {w}", 10 * least);
            }
            var region = new GridRegion(-span - 0.1, span + 0.1, -0.5 * span - 0.1, span + 0.2);
            float[] losses = new float[25],
                theirs = new float[25];
            Array.Fill(losses, float.NaN);
            Array.Fill(theirs, float.NaN);
            theirs[7] = 42;
            a.Grid(one, region, 5, wanted.Sets[0], losses, default);
            b.Grid(two, region, 5, given.Sets[0], theirs, default);
            Assert.Equal(42, theirs[7]);
            theirs[7] = losses[7];
            for (int i = 0; i < 25; i++)
                Close.Number(losses[i], theirs[i], 20 * Share, $"{word}, grid {i}", 1e-5);
        }
        Assert.Throws<RefusedException>(() => b.PlaneThrough(given.Weights[0], given.Weights[0], given.Weights[1]));
    }

    [Theory, MemberData(nameof(Models))]
    public void Gradients_and_curvature_agree(string engine, string name)
    {
        using Trained wanted = new(Engines.Anchor, name),
            given = new(Engines.Make(engine), name, wanted);
        using IProbe a = wanted.Probe(),
            b = given.Probe();
        var set = wanted.Sets[1];
        using GradientProbe one = a.Gradient(wanted.Weights[0], set),
            other = b.Gradient(given.Weights[0], set);
        Close.Number(one.Loss, other.Loss, Share, "loss");
        float[] slope = Canonical(one.Gradient);
        Close.ByNorm(slope, Canonical(other.Gradient), Share, "gradient");
        Close.Number(one.Gradient.Norm, other.Gradient.Norm, Share, "norm");
        var random = new Random(4);
        float[] v = [.. slope.Select(_ => (float)(2 * random.NextDouble() - 1))];
        using IDirection va = a.Direction(v),
            vb = b.Direction(v);
        Close.Number(a.Cosine(va, one.Gradient), b.Cosine(vb, other.Gradient), Share, "cosine", 1e-5);
        // The embedded engine takes a contrastive loss's own part from a difference of its gradient.
        double curved = wanted.Problem.Network.Contrastive ? 20 * Share : 5 * Share;
        using HessianProductProbe h = a.HessianProduct(wanted.Weights[0], set, va),
            g = b.HessianProduct(given.Weights[0], set, vb);
        Close.ByNorm(Canonical(h.Product), Canonical(g.Product), curved, "Hessian product");
        Close.Number(h.Curvature, g.Curvature, curved, "curvature", curved * h.Product.Norm * va.Norm);
        int iterations = (int)Math.Min(24, v.Length);
        using EigenProbe e = a.Eigenvalues(wanted.Weights[0], set, 1, iterations, 5),
            f = b.Eigenvalues(given.Weights[0], set, 1, iterations, 5);
        Close.Number(e.Pairs[0].Value, f.Pairs[0].Value, 0.01, "largest eigenvalue", curved * Math.Abs(e.Pairs[0].Value) + 1e-4);
        TraceProbe t = a.Trace(wanted.Weights[0], set, 4, 6),
            u = b.Trace(given.Weights[0], set, 4, 6);
        Close.Number(t.Trace, u.Trace, 10 * curved, "trace", 10 * curved * t.StandardError + 1e-3);
    }

    [Theory, MemberData(nameof(Models))]
    public void Sharpness_and_examples_gradients_agree(string engine, string name)
    {
        using Trained wanted = new(Engines.Anchor, name),
            given = new(Engines.Make(engine), name, wanted);
        using IProbe a = wanted.Probe(),
            b = given.Probe();
        using IEvaluator planesOfA = wanted.Evaluator(),
            planesOfB = given.Evaluator();
        var set = wanted.Sets[1];
        SharpnessProbe s = a.Sharpness(wanted.Weights[0], set, 5e-4, 4),
            t = b.Sharpness(given.Weights[0], set, 5e-4, 4);
        Close.Number(s.Sharpness, t.Sharpness, 0.02, "sharpness", 1e-2);
        SharpnessProbe p = a.AdaptiveSharpness(wanted.Weights[0], set, 0.05, 3),
            q = b.AdaptiveSharpness(given.Weights[0], set, 0.05, 3);
        Close.Number(p.Sharpness, q.Sharpness, 0.02, "adaptive sharpness", 1e-4);
        if (wanted.Problem.Network.Model.WhyNoFisherRao() is null)
            Close.Number(a.FisherRao(wanted.Weights[0], set).Norm, b.FisherRao(given.Weights[0], set).Norm, Share, "Fisher-Rao norm");
        else
            Assert.Throws<RefusedException>(() => b.FisherRao(given.Weights[0], set));
        if (wanted.Problem.Network.Contrastive)
        {
            Assert.Throws<RefusedException>(() => b.ExampleGradients(given.Weights[0], set, []));
            return;
        }
        int n = set.Indices!.Length;
        float[] norms = new float[n],
            others = new float[n];
        ExampleGradientsProbe e = a.ExampleGradients(wanted.Weights[0], set, norms),
            f = b.ExampleGradients(given.Weights[0], set, others);
        Close.ByNorm(norms, others, Share, "norms of examples' gradients");
        Close.Number(e.TraceCovariance, f.TraceCovariance, Share, "trace of the covariance", Share * e.MeanSquare);
        Close.Number(e.LargestNorm, f.LargestNorm, Share, "largest norm");
        Close.Number(e.GradientSquare, f.GradientSquare, 10 * Share, "square of the gradient");
        using IPlane x = planesOfA.PlaneThrough(wanted.Weights[0], wanted.Weights[1], wanted.Weights[2]),
            y = planesOfB.PlaneThrough(given.Weights[0], given.Weights[1], given.Weights[2]);
        PlaneGradientsProbe c = a.PlaneGradients(wanted.Weights[0], set, x),
            d = b.PlaneGradients(given.Weights[0], set, y);
        double size = Math.Sqrt(e.MeanSquare);
        Close.Number(c.X, d.X, 1e-3, "mean x", 1e-3 * size);
        Close.Number(c.Y, d.Y, 1e-3, "mean y", 1e-3 * size);
        Close.Number(c.XX, d.XX, 2e-3, "variance of x", 1e-3 * size * size);
        Close.Number(c.XY, d.XY, 2e-3, "covariance", 1e-3 * size * size);
        Close.Number(c.YY, d.YY, 2e-3, "variance of y", 1e-3 * size * size);
    }

    private static float[] Canonical(IDirection direction)
    {
        var canonical = new float[direction.Count];
        direction.CopyTo(canonical);
        return canonical;
    }

    /// <summary>A problem on an engine, with three weights that are the same on all engines: those the anchor came to.</summary>
    private sealed class Trained : IDisposable
    {
        private readonly IEngine engine;
        private readonly IEngineData data;
        private readonly Keyframe[] keyframes;

        public Trained(IEngine engine, string name, Trained? like = null)
        {
            this.engine = engine;
            Problem = Problem.Named(name);
            data = engine.Load(Problem.Data);
            using var bundle = engine.CreateBundle(data, Problem.Spec);
            if (like is not null)
                keyframes = like.keyframes;
            else
            {
                var block = new RecordBlock(2, 6, bundle.Layout.Width);
                bundle.Advance(3, block);
                var early = bundle.Export(0);
                bundle.Advance(6, block);
                keyframes = [bundle.Export(0), bundle.Export(1), early];
            }
            Weights =
            [
                .. keyframes.Select(keyframe =>
                {
                    bundle.Restore(0, keyframe);
                    return bundle.Snapshot(0);
                }),
            ];
        }

        public Problem Problem { get; }

        public IWeights[] Weights { get; }

        /// <summary>All examples, and some of them.</summary>
        public EvaluationSet[] Sets =>
            [
                EvaluationSet.All(Split.Train),
                new(Split.Train, [.. Enumerable.Range(0, Problem.Data.Train.Count).Where(i => i % 3 != 1).Take(40)]),
            ];

        public IEvaluator Evaluator() => engine.CreateEvaluator(data, Problem.Network);

        public IProbe Probe() => engine.CreateProbe(data, Problem.Network);

        public void Dispose()
        {
            foreach (var weights in Weights)
                weights.Dispose();
            data.Dispose();
        }
    }
}
