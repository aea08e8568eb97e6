using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu;

namespace BatchViz.Engines;

/// <summary>
/// Gives each experiment its engine: the one that it names, or the one that the command line asks for. Several may be at work side by side;
/// whoever is given one disposes of it.
/// </summary>
/// <param name="engine">Of the command line; null: none was asked for.</param>
/// <param name="overrides">Whether the command line goes before the experiment (of one that runs by itself), or after it (of a server's
/// many).</param>
public sealed class ExperimentEngines(string? engine = null, Precision? precision = null, KernelPath? path = null, bool overrides = false)
{
    /// <exception cref="RefusedException">One sentence: it is not here.</exception>
    public EngineChoice For(ExperimentSpec spec) => EngineList.Choose(RequestOf(spec));

    /// <summary>The experiment as it is kept: with the engine and the precision that it is trained with, where they were asked
    /// for.</summary>
    public ExperimentSpec Kept(ExperimentSpec spec) =>
        !overrides
            ? spec
            : spec with
            {
                Engine =
                    engine is null ? spec.Engine
                    : engine == SpecReader.AnyEngine ? null
                    : engine,
                Precision = precision ?? spec.Precision,
            };

    private EngineRequest RequestOf(ExperimentSpec spec)
    {
        bool named = spec.Engine is not null && !(overrides && engine is not null);
        var wanted = overrides ? precision ?? spec.Precision : spec.Precision ?? (named ? null : precision);
        var request = new EngineRequest(named ? spec.Engine! : engine ?? SpecReader.AnyEngine, wanted, path);
        // Kernels of a server's own choice belong to the embedded engine, wherever an experiment asks for it.
        if (named && !overrides && request.IsTorch)
            request = request with { Path = null };
        if (named)
            request = request with { EngineKey = EngineRequest.OfExperiment };
        return wanted == precision && (overrides || spec.Precision is null) ? request : request with { PrecisionKey = "precision" };
    }
}
