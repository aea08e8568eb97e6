using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests.Reference;

/// <summary>The reference itself, against finite differences and published values.</summary>
public class ReferenceTests
{
    /// <summary>Central differences of a step h have an error of h² and of rounding / h; 1e-5 leaves about 1e-10.</summary>
    [Fact]
    public void GradientsAgreeWithFiniteDifferences()
    {
        int checks = 0;
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = RandomCase.Make(seed, widest: 7, mostExamples: 5);
            var net = new ReferenceNet(random.Network);
            var w = random.Start.Select(v => (double)v).ToArray();
            var (_, gradient) = net.Gradient(w, random.Examples);
            if (net.NearestKink < 1e-3)
                continue;
            double error = 0,
                norm = 0;
            for (int i = 0; i < w.Length; i++)
            {
                double kept = w[i];
                w[i] = kept + 1e-5;
                double up = net.LossOf(w, random.Examples);
                w[i] = kept - 1e-5;
                double down = net.LossOf(w, random.Examples);
                w[i] = kept;
                double difference = (up - down) / 2e-5 - gradient[i];
                error += difference * difference;
                norm += gradient[i] * gradient[i];
            }
            Assert.True(Math.Sqrt(error) <= 1e-6 * Math.Sqrt(norm) + 1e-10, $"{random}: off by {Math.Sqrt(error / norm):E1} of its norm");
            checks++;
        }
        Assert.True(checks >= 40, $"only {checks} cases were away from kinks");
    }

    /// <summary>Abramowitz and Stegun, table 7.1, and Wolfram's digits.</summary>
    [Theory]
    [InlineData(0.5, 0.520499877813046538)]
    [InlineData(1, 0.842700792949714869)]
    [InlineData(-2, -0.995322265018952734)]
    [InlineData(3.5, 0.999999256901627658)]
    public void ErfHasItsPublishedValues(double x, double erf) => Assert.Equal(erf, SpecialFunctions.Erf(x), tolerance: 3e-16);
}
