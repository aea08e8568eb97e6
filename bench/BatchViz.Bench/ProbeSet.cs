using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Bench;

/// <summary>Every probe on the same weights and the same examples, with one gradient over those examples as the unit of cost.</summary>
internal static class ProbeSet
{
    private const int Eigenvalues = 1,
        LanczosIterations = 10,
        Vectors = 4,
        Steps = 5;
    private const double Epsilon = 1e-3,
        Rho = 0.05;

    /// <summary>Probes that peers have too, by the names in their requests.</summary>
    private const string Gradient = "gradient",
        HessianProduct = "hessianVectorProduct",
        ExampleNorms = "exampleNorms";

    /// <param name="examples">Taken from the front of the training split.</param>
    public static ProbeCell[] Measure(
        IEngine engine,
        IEngineData data,
        BenchNet net,
        int examples,
        Peers peers,
        double seconds,
        CancellationToken stop
    )
    {
        using var bundle = engine.CreateBundle(data, EngineBench.Spec(net, OptimizerKind.Sgd, batch: 1, seeds: 1));
        using var weights = bundle.Snapshot(0);
        using var probe = engine.CreateProbe(data, net.Network);
        var set = new EvaluationSet(Split.Train, [.. Enumerable.Range(0, examples)]);
        using var direction = probe.Gradient(weights, set);
        var norms = new float[examples];
        EngineProbe[] own =
        [
            new(
                Gradient,
                () =>
                {
                    using var result = probe.Gradient(weights, set);
                    return result.Cost.InGradients;
                }
            ),
            new(
                HessianProduct,
                () =>
                {
                    using var result = probe.HessianProduct(weights, set, direction.Gradient);
                    return result.Cost.InGradients;
                }
            ),
            new(ExampleNorms, () => probe.ExampleGradients(weights, set, norms).Cost.InGradients),
            new(
                $"eigenvalue ({LanczosIterations} Lanczos iterations)",
                () =>
                {
                    using var result = probe.Eigenvalues(weights, set, Eigenvalues, LanczosIterations, seed: 1);
                    return result.Cost.InGradients;
                }
            ),
            new($"trace ({Vectors} vectors)", () => probe.Trace(weights, set, Vectors, seed: 1).Cost.InGradients),
            new($"sharpness ({Steps} steps)", () => probe.Sharpness(weights, set, Epsilon, Steps).Cost.InGradients),
            new($"adaptive sharpness ({Steps} steps)", () => probe.AdaptiveSharpness(weights, set, Rho, Steps).Cost.InGradients),
        ];
        return [.. own.Select(Measure)];

        // The gradient runs in every contest anew, so that unit and probe meet the same machine.
        ProbeCell Measure(EngineProbe one)
        {
            IContestant[] others = one.Name is Gradient or HessianProduct or ExampleNorms ? [.. peers.Probes(net, examples, one.Name)] : [];
            IContestant[] ours = one == own[0] ? [one] : [one, own[0]];
            var times = Contest.Run([.. ours, .. others], seconds, stop);
            return new ProbeCell(
                net,
                examples,
                one.Name,
                times[0],
                one.ProcessorMinimum / own[0].ProcessorMinimum,
                one.CountedGradients,
                PeerTime.Of(others, times[ours.Length..])
            );
        }
    }
}

/// <summary>Seconds of one call of a probe over all the examples.</summary>
/// <param name="Gradients">Its processor time in that of a gradient over the same examples.</param>
/// <param name="Counted">The cost that the probe counts for itself, in gradients.</param>
internal sealed record ProbeCell(BenchNet Net, int Examples, string Probe, Timing Own, double Gradients, double Counted, PeerTime[] Peers)
{
    /// <summary>How many times faster than the fastest peer; null without peers.</summary>
    public double? Ratio => Fastest?.Time.Minimum / Own.Minimum;

    public PeerTime? Fastest => PeerTime.Fastest(Peers);

    public ProbeReportCell Report() =>
        new(
            Net.Name,
            Examples,
            Probe,
            Own.Minimum * 1e6,
            Own.Median * 1e6,
            Gradients,
            Counted,
            Peers.Length == 0 ? null : [.. Peers.Select(p => new PeerProbeTime(p.Name, p.Time.Minimum * 1e6, p.Time.Median * 1e6))],
            Ratio
        );
}
