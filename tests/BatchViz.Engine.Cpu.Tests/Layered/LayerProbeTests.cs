using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Probes;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Layered;

/// <summary>Evaluations, landscapes and probes of models of layers, all in evaluation mode.</summary>
public class LayerProbeTests
{
    private static readonly EvaluationSet Train = EvaluationSet.All(Split.Train);

    [Theory, ClassData(typeof(Paths))]
    public void Losses_gradients_and_Hessian_products_agree_with_the_reference(KernelPath path)
    {
        int checks = 0;
        foreach (string name in LayerCase.Small.Keys)
        {
            for (int seed = 1; seed <= 4; seed++)
            {
                using var at = Trained(path, LayerCase.Make(name, seed, (LossKind)(seed % 3)));
                var (w, net) = (at.Weights.Canonical().Doubles(), at.Reference);
                var (loss, gradient) = net.EvaluatedGradient(w, at.Case.Examples);
                double kink = net.NearestKink;
                Assert.Equal(loss, at.Evaluator.Evaluate(at.Weights, Train).Loss, 1e-5 * loss + 1e-7);
                if (kink < 1e-3)
                    continue;
                using var probe = at.Probe.Gradient(at.Weights, Train);
                Assert.Equal(loss, probe.Loss, 1e-5 * loss + 1e-7);
                Assert.True(
                    Vectors.Distance(probe.Gradient.Canonical().Doubles(), gradient) <= 1e-5 * Vectors.Norm(gradient) + 1e-7,
                    $"{at.Case}: gradient"
                );

                float[] v = Probed.Vector(new Random(seed), w.Length);
                const double Step = 1e-7;
                double[] Shifted(double sign) =>
                    net.EvaluatedGradient([.. w.Zip(v, (a, b) => a + sign * Step * b)], at.Case.Examples).Gradient;
                double[] expected = [.. Shifted(1).Zip(Shifted(-1), (a, b) => (a - b) / (2 * Step))];
                using var direction = at.Probe.Direction(v);
                using var product = at.Probe.HessianProduct(at.Weights, Train, direction);
                double off = Vectors.Distance(product.Product.Canonical().Doubles(), expected),
                    norm = Vectors.Norm(expected);
                Assert.True(off <= 2e-5 * norm + 1e-6, $"{at.Case}: Hessian product off by {off / norm:E1} of {norm:E1}");
                using var again = at.Probe.HessianProduct(at.Weights, Train, direction);
                Assert.Equal(Vectors.Bits(product.Product.Canonical()), Vectors.Bits(again.Product.Canonical()));
                Assert.Equal(0, again.Cost.Gradients);
                checks++;
            }
        }
        Assert.True(checks >= 60, $"only {checks} cases were away from kinks");
    }

    [Theory, ClassData(typeof(Paths))]
    public void Examples_gradients_and_their_components_agree_with_the_reference(KernelPath path)
    {
        foreach (string name in LayerCase.Small.Keys)
        {
            using var at = Trained(path, LayerCase.Make(name, 3));
            var w = at.Weights.Canonical().Doubles();
            double[][] gradients = [.. at.Case.Examples.Select(e => at.Reference.EvaluatedGradient(w, [e]).Gradient)];
            var norms = new float[gradients.Length];
            var found = at.Probe.ExampleGradients(at.Weights, Train, norms);
            double largest = gradients.Max(g => Vectors.Norm(g));
            for (int i = 0; i < norms.Length; i++)
                Assert.Equal(Vectors.Norm(gradients[i]), norms[i], 1e-5 * largest);
            Assert.Equal(gradients.Average(g => Vectors.Dot(g, g)), found.MeanSquare, 1e-4 * largest * largest);

            using var plane = at.Evaluator.RandomPlane([at.Weights], 3);
            float[][] vectors = Stage.VectorsOf(plane);
            var moments = at.Probe.PlaneGradients(at.Weights, Train, plane);
            double[] d1 = vectors[1].Doubles(),
                d2 = vectors[2].Doubles();
            double determinant = Vectors.Dot(d1, d1) * Vectors.Dot(d2, d2) - Vectors.Dot(d1, d2) * Vectors.Dot(d1, d2);
            double[] xs =
            [
                .. gradients.Select(g =>
                    (Vectors.Dot(g, d1) * Vectors.Dot(d2, d2) - Vectors.Dot(g, d2) * Vectors.Dot(d1, d2)) / determinant
                ),
            ];
            Assert.Equal(xs.Average(), moments.X, 1e-4 * xs.Max(Math.Abs) + 1e-7);
            Assert.Equal(
                xs.Average(x => x * x) - xs.Average() * xs.Average(),
                moments.XX,
                1e-3 * xs.Max(Math.Abs) * xs.Max(Math.Abs) + 1e-7
            );
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void Every_point_of_a_grid_and_of_a_line_is_its_own_evaluation(KernelPath path)
    {
        foreach (string name in new[] { "batch norm", "dropout", "residual", "max pool" })
        {
            using var at = Trained(path, LayerCase.Make(name, 2));
            using var later = at.Later();
            using var plane = at.Evaluator.PlaneThrough(at.Weights, later, at.Start);
            var region = new GridRegion(-1, 2, -1, 1);
            float[] one = Stage.Gaps(5),
                two = Stage.Gaps(5),
                some = Stage.Gaps(5);
            at.Evaluator.Grid(plane, region, 5, Train, one, default, threads: 1);
            at.Evaluator.Grid(plane, region, 5, Train, two, default, threads: 3);
            for (int p = 0; p < some.Length; p += 2)
                some[p] = -1;
            at.Evaluator.Grid(plane, region, 5, Train, some, default, threads: 2);
            Assert.Equal(Vectors.Bits(one), Vectors.Bits(two));
            for (int p = 0; p < some.Length; p++)
                Assert.Equal(p % 2 == 0 ? -1 : one[p], some[p]);

            // With the origin's running statistics.
            float[][] vectors = Stage.VectorsOf(plane);
            for (int p = 0; p < one.Length; p++)
            {
                double x = -1 + p % 5 * 0.75,
                    y = -1 + p / 5 * 0.5;
                double[] w = [.. vectors[0].Select((o, i) => o + x * vectors[1][i] + y * vectors[2][i])];
                double loss = at.Reference.Loss(w, at.Case.Examples);
                Assert.Equal(loss, one[p], 1e-4 * loss);
            }

            var line = new Evaluation[3];
            at.Evaluator.Line(at.Weights, later, 0, 1, 3, Train, line, default);
            Assert.Equal(at.Evaluator.Evaluate(at.Weights, Train), line[0]);
            Assert.Equal(at.Evaluator.Evaluate(later, Train).Loss, line[2].Loss, 1e-4);
        }
    }

    [Fact]
    public void Random_planes_are_normalised_filter_by_filter()
    {
        using var at = Trained(CpuEngine.Available[^1], LayerCase.Make("batch norm", 1));
        using var plane = at.Evaluator.RandomPlane([at.Weights], 5);
        float[][] vectors = Stage.VectorsOf(plane);
        int from = 0;
        foreach (var group in at.Case.Network.Graph.Weights)
        {
            for (int o = 0; o < group.Outputs; o++, from += group.Inputs)
            {
                double[] row = vectors[0][from..(from + group.Inputs)].Doubles(),
                    direction = vectors[1][from..(from + group.Inputs)].Doubles();
                Assert.Equal(group.Role == WeightRole.Matrix ? Vectors.Norm(row) : 0, Vectors.Norm(direction), 1e-5 * Vectors.Norm(row));
            }
            if (!group.Bias)
                continue;
            Assert.All(vectors[1][from..(from + group.Outputs)], b => Assert.Equal(0, b));
            from += group.Outputs;
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void Curvature_probes_agree_with_one_another(KernelPath path)
    {
        foreach (string name in new[] { "batch norm", "group norm", "convolution", "depthwise" })
        {
            using var at = Trained(path, LayerCase.Make(name, 1, batch: 11));
            using var eigen = at.Probe.Eigenvalues(at.Weights, Train, 2, 40, 1);
            foreach (var pair in eigen.Pairs)
            {
                Assert.True(pair.Residual <= 1e-2 * Math.Abs(eigen.Pairs[0].Value), $"{name}: {pair.Residual}");
                using var product = at.Probe.HessianProduct(at.Weights, Train, pair.Vector);
                Assert.Equal(pair.Value, product.Curvature, 1e-4 * Math.Abs(eigen.Pairs[0].Value) + pair.Residual);
            }
            var trace = at.Probe.Trace(at.Weights, Train, 200, 1);
            double exact = 0;
            int n = (int)at.Weights.Count;
            for (int i = 0; i < n; i++)
            {
                var unit = new float[n];
                unit[i] = 1;
                using var direction = at.Probe.Direction(unit);
                using var product = at.Probe.HessianProduct(at.Weights, Train, direction);
                exact += product.Curvature;
            }
            Assert.Equal(exact, trace.Trace, 5 * trace.StandardError + 1e-3);
            Assert.True(at.Probe.Sharpness(at.Weights, Train, 1e-3, 5).Sharpness >= 0);
            Assert.True(at.Probe.AdaptiveSharpness(at.Weights, Train, 0.5, 3).Sharpness >= 0);
        }
    }

    [Fact]
    public void The_Fisher_Rao_norm_of_a_chain_of_convolutions_is_its_definition()
    {
        var model = new ModelSpec
        {
            Kind = ModelKind.Layers,
            Layers =
            [
                LayerSpec.Conv(3, 2, bias: false),
                LayerSpec.Activated(Activation.Relu),
                LayerSpec.Max(2),
                new(LayerKind.Flatten),
                LayerSpec.Dense(bias: false),
            ],
        };
        Assert.Null(model.WhyNoFisherRao());
        using var at = Trained(CpuEngine.Available[^1], LayerCase.Make("chain", model, new TensorShape(2, 5, 5), 1, LossKind.CrossEntropy));
        double[] w = at.Weights.Canonical().Doubles();
        // ⟨∂ℓ/∂w, w⟩ = L ⟨∂ℓ/∂f, f⟩ for a positively homogeneous net of L layers.
        double square = at.Case.Examples.Average(e => Math.Pow(Vectors.Dot(at.Reference.EvaluatedGradient(w, [e]).Gradient, w), 2));
        Assert.Equal(Math.Sqrt(square), at.Probe.FisherRao(at.Weights, Train).Norm, 1e-4 * Math.Sqrt(square));
    }

    [Fact]
    public void Contrastive_losses_are_evaluated_and_refuse_what_single_examples_have_not()
    {
        foreach (var loss in new[] { LossKind.InfoNce, LossKind.SigmoidContrastive })
        {
            using var at = Trained(
                CpuEngine.Available[^1],
                LayerCase.OfPreset("two-tower", new TensorShape(1, 4, 4), 1, count: 9, loss: loss) with
                {
                    BatchSize = 4,
                }
            );
            double[] w = at.Weights.Canonical().Doubles();
            var (expected, gradient) = at.Reference.EvaluatedGradient(w, at.Case.Examples);
            var found = at.Evaluator.Evaluate(at.Weights, Train);
            Assert.Equal(expected, found.Loss, 1e-5 * expected);
            Assert.InRange(found.Accuracy, 0, 1);
            using var probe = at.Probe.Gradient(at.Weights, Train);
            Assert.True(Vectors.Distance(probe.Gradient.Canonical().Doubles(), gradient) <= 2e-5 * Vectors.Norm(gradient) + 1e-7);
            Assert.True(at.Probe.Sharpness(at.Weights, Train, 1e-3, 3).Sharpness >= 0);
            Assert.Throws<RefusedException>(() => at.Probe.ExampleGradients(at.Weights, Train, []));
        }
    }

    /// <summary>
    /// The loss's own part by differences of its gradient in single precision; a ReLU counts as linear on either side of its kink, however
    /// near that is.
    /// </summary>
    [Theory]
    [InlineData(LossKind.InfoNce, Activation.Tanh)]
    [InlineData(LossKind.InfoNce, Activation.Relu)]
    [InlineData(LossKind.SigmoidContrastive, Activation.Tanh)]
    [InlineData(LossKind.SigmoidContrastive, Activation.Relu)]
    public void Hessian_products_of_contrastive_losses_agree_with_the_reference(LossKind loss, Activation activation)
    {
        for (int seed = 1; seed <= 4; seed++)
        {
            var model = new ModelSpec
            {
                Kind = ModelKind.Layers,
                Towers = 2,
                Layers = [LayerSpec.Conv(3, 2), LayerSpec.Activated(activation), new(LayerKind.Flatten), LayerSpec.Dense(7)],
            };
            using var at = Trained(
                CpuEngine.Available[^1],
                LayerCase.Make("towers", model, new TensorShape(1, 4, 4), seed, loss, batch: 4)
            );
            double[] w = at.Weights.Canonical().Doubles();
            float[] v = Probed.Vector(new Random(seed), w.Length);
            const double Step = 1e-7;
            double[] Shifted(double sign) =>
                at.Reference.EvaluatedGradient([.. w.Zip(v, (a, b) => a + sign * Step * b)], at.Case.Examples).Gradient;
            double[] expected = [.. Shifted(1).Zip(Shifted(-1), (a, b) => (a - b) / (2 * Step))];
            using var direction = at.Probe.Direction(v);
            using var product = at.Probe.HessianProduct(at.Weights, Train, direction);
            double off = Vectors.Distance(product.Product.Canonical().Doubles(), expected),
                norm = Vectors.Norm(expected);
            Assert.True(off <= 2e-3 * norm, $"seed {seed}: off by {off / norm:E1} of {norm:E1}");
            using var again = at.Probe.HessianProduct(at.Weights, Train, direction);
            Assert.Equal(Vectors.Bits(product.Product.Canonical()), Vectors.Bits(again.Product.Canonical()));
            using var top = at.Probe.Eigenvalues(at.Weights, Train, 1, 30, 1);
            Assert.True(double.IsFinite(top.Pairs[0].Value));
        }
    }

    /// <summary>Some updates on, so that running statistics are not those of the beginning.</summary>
    private static Standing Trained(KernelPath path, LayerCase c) => new(path, c);

    private sealed class Standing : IDisposable
    {
        private readonly CpuEngine engine;
        private readonly IEngineData data;
        private readonly IBundle bundle;

        public Standing(KernelPath path, LayerCase c)
        {
            Case = c;
            engine = new CpuEngine(path);
            data = engine.Load(c.Data);
            bundle = engine.CreateBundle(data, c.Spec());
            bundle.StartAt(c.Start);
            Start = bundle.Snapshot(0);
            bundle.AdvanceBits(3);
            Weights = bundle.Snapshot(0);
            Reference = new ReferenceLayers(c.Network) { Running = bundle.Export(0).Statistics![3..] };
            Evaluator = engine.CreateEvaluator(data, c.Network);
            Probe = engine.CreateProbe(data, c.Network);
        }

        public LayerCase Case { get; }

        public IWeights Start { get; }

        public IWeights Weights { get; }

        /// <summary>With the running statistics of the weights.</summary>
        public ReferenceLayers Reference { get; }

        public IEvaluator Evaluator { get; }

        public IProbe Probe { get; }

        public IWeights Later()
        {
            bundle.AdvanceBits(5);
            return bundle.Snapshot(0);
        }

        public void Dispose()
        {
            Probe.Dispose();
            Evaluator.Dispose();
            Weights.Dispose();
            Start.Dispose();
            bundle.Dispose();
            data.Dispose();
            engine.Dispose();
        }
    }
}
