using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Tests.Layered;
using BatchViz.Engine.Cpu.Tests.Reference;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>
/// Where a softmax is nearly sure of the right class, p − 1 has few digits left in float32; an example's gradient keeps its own all the
/// same.
/// </summary>
public class SaturatedTests
{
    [Theory, ClassData(typeof(Paths))]
    public void TheSmallestExampleNormKeepsItsDigits(KernelPath path)
    {
        using var engine = new CpuEngine(path);
        DataSet images = Sets.Images(60),
            plane = Sets.Plane(60);
        var cases = new List<(string Name, DataSet Set, NetworkSpec Network, int Members)>
        {
            ("dense", images, Sets.Net(images, LossKind.CrossEntropy, [24, 20], Activation.Tanh), 1),
            ("linear", images, Sets.Net(images, LossKind.CrossEntropy, []), 1),
            ("tiny", plane, Sets.Net(plane, LossKind.CrossEntropy, [8, 3], Activation.Tanh), 1),
            ("tiny nets in lanes", plane, Sets.Net(plane, LossKind.CrossEntropy, [8, 3], Activation.Tanh), 16),
            ("layers", images, Sets.Layers(images), 1),
        };
        foreach (var (name, set, network, members) in cases)
        {
            var (sure, start) = Sets.Sure(set, network);
            using var data = engine.Load(sure);
            var examples = RandomCase.ExamplesOf(sure.Train);
            foreach (int batch in new[] { 1, 2, 5, 60 })
            {
                var spec = new BundleSpec(
                    network,
                    new OptimizerSpec(),
                    new SamplerSpec { Order = SampleOrder.Sequential },
                    batch,
                    1e-12,
                    [.. Enumerable.Range(1, members).Select(s => (uint)s)]
                );
                using var bundle = engine.CreateBundle(data, spec);
                for (int m = 0; m < members; m++)
                    bundle.StartAt(start, m);
                var block = bundle.Block(60 / batch);
                bundle.Advance(60 / batch, block);
                for (int update = 0; update < 60 / batch; update++)
                {
                    double smallest = examples.Skip(update * batch).Take(batch).Min(example => Norm(network, start, example));
                    for (int m = 0; m < members; m++)
                    {
                        double recorded = block.Row(m, update)[RecordLayout.ExampleNormMin];
                        Assert.True(
                            Math.Abs(recorded - smallest) <= 5e-4 * smallest,
                            $"{name}, B = {batch}, update {update + 1}: {recorded:G6}, not {smallest:G6}"
                        );
                    }
                }
            }
        }
    }

    private static double Norm(NetworkSpec network, float[] weights, Example example)
    {
        double[] w = weights.Doubles();
        if (!network.Layered)
            return Vectors.Norm(new ReferenceNet(network).Gradient(w, [example]).Gradient);
        return Vectors.Norm(new ReferenceNet(
                network with
                {
                    Model = new ModelSpec { Hidden = [24], Activation = Activation.Tanh },
                    Sizes = [network.Sizes[0], 24, network.Sizes[1]],
                }
            ).Gradient(w, [example]).Gradient);
    }
}
