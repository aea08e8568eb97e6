using BatchViz.Core.Engines;
using BatchViz.Core.Numerics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests.Probes;

/// <summary>Lanczos and Hutchinson against whole Hessians.</summary>
public class EigenTests
{
    [Theory, ClassData(typeof(Paths))]
    public void LanczosFindsTheLargestEigenvaluesAndTheirVectors(KernelPath path)
    {
        int checks = 0;
        for (int seed = 1; seed <= 75; seed++)
        {
            var random = RandomCase.Make(seed, widest: 8, mostExamples: 20);
            int n = random.Start.Length;
            if (n is < 12 or > 90)
                continue;
            var hessian = new ReferenceHessian(random.Network);
            double[] matrix = hessian.Matrix(random.Start.Doubles(), random.Examples);
            if (hessian.NearestKink < 1e-4)
                continue;
            var (values, _) = SymmetricEigen.Decompose(matrix, n);
            double size = Math.Max(Math.Abs(values[0]), Math.Abs(values[^1]));
            using var probed = new Probed(path, random);
            using var found = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 3, 200, seed: (uint)seed);
            Assert.Equal(3, found.Pairs.Count);
            Assert.InRange(found.Iterations, 3, n);
            Assert.Equal(new ProbeCost(0, 1, found.Iterations + 3), found.Cost);
            for (int k = 0; k < 3; k++)
            {
                var pair = found.Pairs[k];
                Assert.Equal(values[k], pair.Value, 1e-5 * size);
                Assert.InRange(pair.Residual, 0, 1e-4 * size);
                Assert.Equal(1, pair.Vector.Norm, 1e-6);
                double[] v = pair.Vector.Canonical().Doubles();
                double residual = Vectors.Norm(
                    Enumerable.Range(0, n).Select(i => Enumerable.Range(0, n).Sum(j => matrix[i * n + j] * v[j]) - pair.Value * v[i])
                );
                Assert.True(residual <= 1e-4 * size, $"{random}: pair {k} is {residual / size:E1} from an eigenvector");
                for (int other = 0; other < k; other++)
                    Assert.Equal(0, probed.Probe.Dot(found.Pairs[other].Vector, pair.Vector), 1e-5);
            }
            checks++;
        }
        Assert.True(checks >= 15, $"only {checks} cases");
    }

    /// <summary>
    /// A linear model of independent inputs: every output has the same block in the Hessian, so every eigenvalue comes as often as there
    /// are outputs.
    /// </summary>
    [Fact]
    public void MultipleEigenvaluesAreFoundAsOftenAsTheyAre()
    {
        var split = new Core.Data.DataSplit
        {
            Count = 4,
            Inputs = 2,
            Floats = [2, 0, -2, 0, 0, 1, 0, -1],
            Targets = new float[12],
        };
        var set = new Core.Data.DataSet("cross", Core.Data.DataTask.Regression, 2, 3, split, null);
        using var probed = new Probed(CpuEngine.Available[^1], set, new NetworkSpec(new ModelSpec(), LossKind.Squared, [2, 3]));
        // By output: mean x² = 2, mean y² = 0.5, and 1 for the bias.
        using var found = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 9, 100, seed: 1);
        Assert.Equal([2, 2, 2, 1, 1, 1, 0.5, 0.5, 0.5], found.Pairs.Select(p => Math.Round(p.Value, 5)));
        Assert.Equal(9, found.Iterations);
    }

    [Fact]
    public void AHessianOfZerosHasEigenvaluesToo()
    {
        var split = new Core.Data.DataSplit
        {
            Count = 2,
            Inputs = 2,
            Floats = new float[4],
            Targets = new float[6],
        };
        var set = new Core.Data.DataSet("nothing", Core.Data.DataTask.Regression, 2, 3, split, null);
        using var probed = new Probed(
            CpuEngine.Available[^1],
            set,
            new NetworkSpec(new ModelSpec { Bias = false }, LossKind.Squared, [2, 3])
        );
        using var found = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 6, 100, seed: 1);
        Assert.Equal(new double[6], found.Pairs.Select(p => p.Value));
        Assert.All(found.Pairs, p => Assert.Equal(1, p.Vector.Norm, 1e-6));
    }

    [Fact]
    public void TooFewIterationsSaySoByTheirResidual()
    {
        var set = Sets.Images();
        using var probed = new Probed(CpuEngine.Available[^1], set, Sets.Net(set, LossKind.CrossEntropy, [10], Activation.Tanh));
        using var few = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 1, 3, seed: 1);
        using var many = probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 1, 100, seed: 1);
        Assert.Equal(3, few.Iterations);
        Assert.InRange(many.Iterations, 4, 99);
        Assert.True(few.Pairs[0].Value < many.Pairs[0].Value);
        Assert.True(few.Pairs[0].Residual > 10 * many.Pairs[0].Residual);
        Assert.Empty(Converged(probed, float.NaN).Pairs);

        static EigenProbe Converged(Probed probed, float broken)
        {
            float[] w = probed.Weights.Canonical();
            w[0] = broken;
            probed.MoveTo(w);
            return probed.Probe.Eigenvalues(probed.Weights, Probed.Train, 1, 10, seed: 1);
        }
    }

    [Theory, ClassData(typeof(Paths))]
    public void TheTraceLiesWithinItsErrorOfTheTrueOne(KernelPath path)
    {
        int checks = 0,
            within = 0;
        for (int seed = 1; seed <= 75; seed++)
        {
            var random = RandomCase.Make(seed, widest: 8, mostExamples: 20);
            int n = random.Start.Length;
            if (n is < 12 or > 90)
                continue;
            var hessian = new ReferenceHessian(random.Network);
            double[] matrix = hessian.Matrix(random.Start.Doubles(), random.Examples);
            if (hessian.NearestKink < 1e-4)
                continue;
            double exact = Enumerable.Range(0, n).Sum(i => matrix[i * n + i]);
            double beside = Math.Sqrt(matrix.Sum(v => v * v) - Enumerable.Range(0, n).Sum(i => matrix[i * n + i] * matrix[i * n + i]));
            using var probed = new Probed(path, random);
            var trace = probed.Probe.Trace(probed.Weights, Probed.Train, 300, seed: (uint)seed);
            Assert.Equal(new ProbeCost(0, 1, 300), trace.Cost);
            // Var zᵀHz = 2·Σ over i ≠ j of H²ᵢⱼ for random signs.
            Assert.Equal(Math.Sqrt(2.0 / 300) * beside, trace.StandardError, 0.3 * trace.StandardError + 1e-6);
            Assert.True(
                Math.Abs(trace.Trace - exact) <= 4.5 * trace.StandardError + 1e-6 * Math.Abs(exact),
                $"{random}: {trace.Trace} ± {trace.StandardError}, not {exact}"
            );
            if (Math.Abs(trace.Trace - exact) <= 2 * trace.StandardError + 1e-6 * Math.Abs(exact))
                within++;
            checks++;
        }
        Assert.True(checks >= 15 && within >= 0.8 * checks, $"{within} of {checks} within two standard errors");
    }

    /// <summary>
    /// Along a run the errors are independent from mark to mark, so their mean goes to 0 and their spread is what each says of itself. With
    /// the same vectors at every mark all of them would be off alike.
    /// </summary>
    [Fact]
    public void ErrorsOfTracesDoNotAddUpAlongARun()
    {
        var random = RandomCase.Make(4, widest: 8, mostExamples: 20);
        int n = random.Start.Length;
        double[] matrix = new ReferenceHessian(random.Network).Matrix(random.Start.Doubles(), random.Examples);
        double exact = Enumerable.Range(0, n).Sum(i => matrix[i * n + i]);
        using var probed = new Probed(KernelPath.Portable, random);
        const int Marks = 80;
        var traces = Enumerable
            .Range(0, Marks)
            .Select(mark => probed.Probe.Trace(probed.Weights, Probed.Train, 20, seed: 1, update: 100 * mark))
            .ToList();
        double claimed = Math.Sqrt(traces.Average(trace => trace.StandardError * trace.StandardError));
        double[] off = [.. traces.Select(trace => (trace.Trace - exact) / claimed)];
        Assert.InRange(off.Average(), -4 / Math.Sqrt(Marks), 4 / Math.Sqrt(Marks));
        Assert.InRange(Math.Sqrt(off.Average(v => v * v)), 0.7, 1.4);
    }
}
