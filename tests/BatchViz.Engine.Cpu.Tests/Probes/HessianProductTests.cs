using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>The R-operator against differences of the reference's gradient, and what every Hessian must fulfil.</summary>
public class HessianProductTests
{
    [Theory, ClassData(typeof(Paths))]
    public void ProductsAgreeWithTheReference(KernelPath path)
    {
        var combinations = new HashSet<(Activation, LossKind)>();
        int checks = 0;
        for (int seed = 1; seed <= 225; seed++)
        {
            var random = RandomCase.Make(seed, mostExamples: 30);
            if (random.Network.ParameterCount > 3000)
                continue;
            var v = Probed.Vector(new Random(seed), random.Start.Length);
            var hessian = new ReferenceHessian(random.Network);
            double[] expected = hessian.Product(random.Start.Doubles(), random.Examples, v.Doubles());
            if (hessian.NearestKink < 1e-4)
                continue;
            using var probed = new Probed(path, random);
            double off = Vectors.Distance(probed.HessianProduct(v).Doubles(), expected),
                norm = Vectors.Norm(expected);
            Assert.True(off <= 1e-5 * norm + 1e-7, $"{random}: off by {off / norm:E1} of {norm:E1}");
            combinations.Add((random.Network.Model.Activation, random.Network.Loss));
            checks++;
        }
        Assert.True(checks >= 120, $"only {checks} cases were away from kinks");
        Assert.Equal(15, combinations.Count);
    }

    [Theory, ClassData(typeof(Paths))]
    public void ProductsAreSymmetricAndLinear(KernelPath path)
    {
        var set = Sets.Images();
        foreach (var activation in Enum.GetValues<Activation>())
        {
            using var probed = new Probed(path, set, Sets.Net(set, LossKind.CrossEntropy, [20, 17], activation));
            var random = new Random(3);
            int n = (int)probed.Weights.Count;
            float[] u = Probed.Vector(random, n),
                v = Probed.Vector(random, n);
            double[] hu = probed.HessianProduct(u).Doubles(),
                hv = probed.HessianProduct(v).Doubles();
            double[] both = probed.HessianProduct([.. u.Zip(v, (a, b) => 2 * a - 0.5f * b)]).Doubles();
            double uhv = u.Zip(hv, (a, b) => a * b).Sum(),
                vhu = v.Zip(hu, (a, b) => a * b).Sum();
            double size = Vectors.Norm(u.Doubles()) * Vectors.Norm(hv);
            Assert.Equal(uhv, vhu, 1e-6 * size);
            Assert.True(Vectors.Distance(both, hu.Zip(hv, (a, b) => 2 * a - 0.5 * b)) <= 1e-5 * Vectors.Norm(both), activation.ToString());
        }
    }

    /// <summary>
    /// 300 examples are three chunks; kept, or computed anew in one place, in any order of questions, the bits are the same.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public unsafe void WhatIsKeptDoesNotChangeABit(KernelPath path)
    {
        var set = Sets.Images();
        foreach (var activation in Enum.GetValues<Activation>())
        {
            var network = Sets.Net(set, LossKind.CrossEntropy, [20, 17], activation);
            var layout = WeightLayout.Of(network);
            using var probed = new Probed(path, set, network);
            float[] v = Probed.Vector(new Random(4), (int)layout.Parameters);
            int[] expected = Vectors.Bits(probed.HessianProduct(v));

            using var weights = new NativeBuffer(layout.Floats);
            using var vector = new NativeBuffer(layout.Floats);
            using var gradient = new NativeBuffer(layout.Floats);
            using var product = new NativeBuffer(layout.Floats);
            layout.Pack(probed.Weights.Canonical(), weights.Pointer);
            layout.Pack(v, vector.Pointer);
            foreach (long budget in new[] { 1L, 2 * DenseChunk.Floats(layout, DenseObjective.ChunkRows), 1L << 25 })
            {
                using var objective = new DenseObjective(KernelTable.Of(path), network, layout, budget);
                objective.Choose(set, new EvaluationSet(Split.Train, [5, 7]));
                objective.Linearise(weights.Pointer, gradient.Pointer, curvature: true, default);
                objective.Choose(set, Probed.Train);
                objective.Linearise(weights.Pointer, gradient.Pointer, curvature: false, default);
                for (int time = 0; time < 3; time++)
                {
                    // Other weights in between leave nothing behind that a product would use.
                    if (time == 2)
                        objective.Loss(vector.Pointer, default);
                    objective.HessianProduct(vector.Pointer, product.Pointer, default);
                    var canonical = new float[layout.Parameters];
                    layout.Unpack(product.Pointer, canonical);
                    Assert.Equal(expected, Vectors.Bits(canonical));
                }
            }
        }
    }

    /// <summary>
    /// Products at the same weights share what they have in common, unless something else was asked in between; no bit depends on it.
    /// </summary>
    [Theory, ClassData(typeof(Paths))]
    public void ProductsAtTheSameWeightsShareTheirGradient(KernelPath path)
    {
        var set = Sets.Images();
        using var probed = new Probed(path, set, Sets.Net(set, LossKind.CrossEntropy, [20], Activation.Tanh));
        using var other = new Probed(path, set, Sets.Net(set, LossKind.CrossEntropy, [20], Activation.Tanh));
        float[] w = probed.Weights.Canonical();
        other.MoveTo([.. w.Select(x => 2 * x)]);
        using var v = probed.Probe.Direction(w);
        var part = new EvaluationSet(Split.Train, [1, 2, 3]);
        int[] expected = Product(1, probed.Weights, Probed.Train);
        Assert.Equal(expected, Product(0, probed.Weights, Probed.Train));
        Assert.Equal(0, probed.Probe.Trace(probed.Weights, Probed.Train, 2, seed: 1).Cost.Gradients);
        Assert.NotEqual(expected, Product(1, other.Weights, Probed.Train));
        Assert.Equal(expected, Product(1, probed.Weights, Probed.Train));
        Assert.NotEqual(expected, Product(1, probed.Weights, part));
        Assert.Equal(expected, Product(1, probed.Weights, Probed.Train));
        probed.Probe.Sharpness(probed.Weights, Probed.Train, 1e-3, 2);
        Assert.Equal(expected, Product(1, probed.Weights, Probed.Train));

        int[] Product(long gradients, IWeights weights, EvaluationSet set)
        {
            using var probe = probed.Probe.HessianProduct(weights, set, v);
            Assert.Equal(new ProbeCost(0, gradients, 1), probe.Cost);
            return Vectors.Bits(probe.Product.Canonical());
        }
    }

    /// <summary>Where one class has nearly all the probability, the loss's Hessian is a small difference of large numbers.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void ConfidentPredictionsKeepTheirCurvature(KernelPath path)
    {
        var split = new DataSplit
        {
            Count = 3,
            Inputs = 2,
            Floats = [1, 0.125f, -0.5f, 1, 0.125f, 1.25f],
            Labels = [0, 1, 2],
        };
        var set = new DataSet("confident", DataTask.Classification, 2, 3, split, null);
        var network = new NetworkSpec(new ModelSpec(), LossKind.CrossEntropy, [2, 3]);
        float[] w = [14, 0, 0, 15, 3, 3, 0, 0, 1],
            v = [1, 2, -1, 0.5f, 0.25f, -2, 1, 0.125f, 0.5f];
        using var probed = new Probed(path, set, network, w);
        double[] expected = new double[9],
            z = new double[3],
            r = new double[3];
        for (int i = 0; i < 3; i++)
        {
            double x = split.Floats[2 * i],
                y = split.Floats[2 * i + 1];
            for (int o = 0; o < 3; o++)
                (z[o], r[o]) = (w[2 * o] * x + w[2 * o + 1] * y + w[6 + o], v[2 * o] * x + v[2 * o + 1] * y + v[6 + o]);
            double max = z.Max(),
                sum = z.Sum(a => Math.Exp(a - max));
            for (int o = 0; o < 3; o++)
            {
                double p = Math.Exp(z[o] - max) / sum,
                    delta = p * Enumerable.Range(0, 3).Sum(j => Math.Exp(z[j] - max) / sum * (r[o] - r[j])) / 3;
                expected[2 * o] += delta * x;
                expected[2 * o + 1] += delta * y;
                expected[6 + o] += delta;
            }
        }
        double off = Vectors.Distance(probed.HessianProduct(v).Doubles(), expected);
        Assert.True(off <= 1e-5 * Vectors.Norm(expected), $"off by {off / Vectors.Norm(expected):E1}");
    }
}
