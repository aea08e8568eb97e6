using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>Gradients, per-example gradients and the Fisher-Rao norm against the reference.</summary>
public class MomentsTests
{
    [Theory, ClassData(typeof(Paths))]
    public void GradientsAndPerExampleMomentsAgreeWithTheReference(KernelPath path)
    {
        int checks = 0;
        for (int seed = 1; seed <= 150; seed++)
        {
            var random = RandomCase.Make(seed);
            var net = new ReferenceNet(random.Network);
            double[] w = random.Start.Doubles();
            double[][] each = [.. random.Examples.Select(e => net.Gradient(w, [e]).Gradient)];
            var (loss, gradient) = net.Gradient(w, random.Examples);
            if (net.NearestKink < 1e-5)
                continue;
            using var probed = new Probed(path, random);
            double norm = Vectors.Norm(gradient),
                off = Vectors.Distance(probed.Gradient().Doubles(), gradient);
            Assert.True(off <= 1e-5 * norm + 1e-8, $"{random}: gradient off by {off / norm:E1}");

            double[] norms = [.. each.Select(Vectors.Norm)];
            var fast = new float[norms.Length];
            var moments = probed.Probe.ExampleGradients(probed.Weights, Probed.Train, fast);
            double mean = norms.Average(v => v * v),
                trace = each.Average(g => g.Zip(gradient, (a, b) => (a - b) * (a - b)).Sum());
            Assert.True(Vectors.Distance(fast.Doubles(), norms) <= 1e-5 * Vectors.Norm(norms) + 1e-8, $"{random}: norms");
            Assert.Equal(loss, moments.Loss, 1e-5 * loss + 1e-7);
            Assert.Equal(norm * norm, moments.GradientSquare, 3e-5 * norm * norm + 1e-12);
            Assert.Equal(mean, moments.MeanSquare, 3e-5 * mean + 1e-12);
            Assert.Equal(norms.Average(), moments.MeanNorm, 1e-5 * norms.Average() + 1e-8);
            Assert.Equal(norms.Max(), moments.LargestNorm, 1e-5 * norms.Max() + 1e-8);
            Assert.Equal(trace, moments.TraceCovariance, 3e-5 * mean + 1e-12);
            Assert.Equal(random.Examples.Count, moments.Examples);
            checks++;
        }
        Assert.True(checks >= 120, $"only {checks} cases were away from kinks");
    }

    /// <summary>Liang et al. 2019: (L + 1)²E⟨∂ℓ/∂f, f⟩² is wᵀIw with I the mean of the examples' gᵢgᵢᵀ.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void TheFisherRaoNormIsThatOfTheWeightsUnderTheFisherMatrix(KernelPath path)
    {
        int checks = 0;
        for (int seed = 1; seed <= 150; seed++)
        {
            var random = RandomCase.Make(seed, widest: 17);
            var model = random.Network.Model with
            {
                Bias = false,
                OutputActivation = Activation.Linear,
                Activation = seed % 2 == 0 ? Activation.Relu : Activation.Linear,
            };
            var network = random.Network with { Model = model };
            var r = new Random(seed);
            float[] start = Probed.Vector(r, (int)network.ParameterCount);
            var net = new ReferenceNet(network);
            double[] w = start.Doubles();
            double expected = Math.Sqrt(
                random.Examples.Average(e => Math.Pow(net.Gradient(w, [e]).Gradient.Zip(w, (a, b) => a * b).Sum(), 2))
            );
            if (expected < 1e-6)
                continue;
            using var probed = new Probed(path, random.Data, network, start);
            var found = probed.Probe.FisherRao(probed.Weights, Probed.Train);
            Assert.True(Math.Abs(expected - found.Norm) <= 1e-4 * expected, $"{random}: {found.Norm}, not {expected}");
            Assert.Equal(new ProbeCost(1, 0, 0), found.Cost);
            checks++;
        }
        Assert.True(checks >= 100, $"only {checks} cases");
    }

    [Fact]
    public void TheFisherRaoNormIsRefusedWhereItIsNotDefined()
    {
        var set = Sets.Images(20);
        var plain = new ModelSpec { Hidden = [4], Bias = false };
        Refused(plain with { Bias = true }, "\"model.bias\" is true");
        Refused(plain with { Activation = Activation.Gelu }, "\"model.activation\" is \"gelu\"");
        Refused(plain with { OutputActivation = Activation.Sigmoid }, "\"model.outputActivation\" is \"sigmoid\"");
        // A model without hidden layers never uses its activation.
        Assert.Null(new ModelSpec { Bias = false, Activation = Activation.Tanh }.WhyNoFisherRao());
        Assert.Contains("\"model.kind\"", new ModelSpec { Kind = ModelKind.Surface }.WhyNoFisherRao());

        void Refused(ModelSpec model, string key)
        {
            using var probed = new Probed(CpuEngine.Available[^1], set, new NetworkSpec(model, LossKind.Squared, [49, 4, 10]));
            var refusal = Assert.Throws<RefusedException>(() => probed.Probe.FisherRao(probed.Weights, Probed.Train));
            Assert.Contains(key, refusal.Message);
        }
    }

    [Fact]
    public void ABatchsGradientLeansTowardsTheFullOne()
    {
        var set = Sets.Images();
        using var probed = new Probed(CpuEngine.Available[^1], set, Sets.Net(set, LossKind.CrossEntropy, [16]));
        using var full = probed.Probe.Gradient(probed.Weights, Probed.Train);
        double Cosine(int batch)
        {
            using var part = probed.Probe.Gradient(probed.Weights, new EvaluationSet(Split.Train, [.. Enumerable.Range(0, batch)]));
            double cosine = probed.Probe.Cosine(full.Gradient, part.Gradient);
            double[] a = full.Gradient.Canonical().Doubles(),
                b = part.Gradient.Canonical().Doubles();
            Assert.Equal(a.Zip(b, (x, y) => x * y).Sum() / (Vectors.Norm(a) * Vectors.Norm(b)), cosine, 1e-6);
            Assert.Equal(Vectors.Norm(b), part.Gradient.Norm, 1e-6 * Vectors.Norm(b));
            return cosine;
        }
        Assert.Equal(1, Cosine(300), 1e-6);
        Assert.InRange(Cosine(1), -1, 0.9);
        Assert.True(Cosine(150) > Cosine(5));
        using var nothing = probed.Probe.Direction(new float[full.Gradient.Count]);
        Assert.True(double.IsNaN(probed.Probe.Cosine(full.Gradient, nothing)));
    }
}
