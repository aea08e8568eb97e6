using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Lab;
using BatchViz.Recording.Storage;

namespace BatchViz.Live;

/// <summary>The one experiment that is on the air, and the commands that change it. Only owners reach the commands.</summary>
public sealed class Conductor(IEngine engine, DataFiles files, ExperimentOptions options) : IDisposable
{
    private readonly SemaphoreSlim replacing = new(1, 1);
    private LiveExperiment? current;
    private Experiment? prepared;

    /// <summary>Numbers go on from the time of the start: what lies under a number is cached for good, so none may come twice.</summary>
    private uint generation = (uint)DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    private Task retired = Task.CompletedTask;

    /// <summary>Null until the first experiment has begun.</summary>
    public LiveExperiment? Current => Volatile.Read(ref current);

    public DataFiles Files => files;

    /// <summary>Reads a spec, its data, and begins it in place of the present experiment; when it is refused, that one goes on.</summary>
    /// <exception cref="SpecException">One sentence.</exception>
    public async Task Start(ReadOnlyMemory<byte> json, CancellationToken cancel = default)
    {
        await replacing.WaitAsync(cancel);
        try
        {
            var plan = await Task.Run(() => files.Plan(SpecReader.Read(json), trusted: false), cancel);
            await retired;
            Prepare(plan);
            Begin();
        }
        finally
        {
            replacing.Release();
        }
    }

    /// <summary>Takes all that an experiment needs and starts nothing yet.</summary>
    /// <exception cref="SpecException">It is more than can be had.</exception>
    public void Prepare(ExperimentPlan plan)
    {
        prepared?.Dispose();
        prepared = null;
        prepared = new Experiment(plan, engine, options with { Files = new MemoryFiles() });
    }

    /// <summary>Begins what was prepared, in place of the present experiment.</summary>
    public void Begin()
    {
        var experiment = prepared ?? throw new InvalidOperationException("nothing has been prepared");
        prepared = null;
        var before = Current;
        Volatile.Write(ref current, new LiveExperiment(++generation, experiment));
        experiment.Start();
        if (before is not null) retired = Task.Run(before.Dispose);
    }

    public void Hold() => Current?.Experiment.Hold();

    public void Continue() => Current?.Experiment.Continue();

    public void StepOnce() => Current?.Experiment.StepOnce();

    public void Stop() => Current?.Experiment.Stop();

    /// <exception cref="SpecException">The kind does not apply, or is none.</exception>
    public void Replane(string kind)
    {
        foreach (var (word, value) in Words.Planes)
        {
            if (word != kind || value == PlaneKind.Auto) continue;
            Current?.Experiment.Replane(value);
            return;
        }
        throw new SpecException("A plane is \"pca\", \"random\", \"runs\", \"hessian\" or \"weights\".");
    }

    public void Dispose()
    {
        prepared?.Dispose();
        Current?.Dispose();
        retired.Wait(TimeSpan.FromSeconds(10));
    }
}
