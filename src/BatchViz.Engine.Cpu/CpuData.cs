using BatchViz.Core.Data;
using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu;

/// <summary>The host's memory is the engine's: batches are gathered straight from the data set.</summary>
internal sealed class CpuData : IEngineData
{
    /// <exception cref="ArgumentException">The set's arrays do not hold what it says. Kernels do not look again.</exception>
    public CpuData(DataSet source)
    {
        Source = source;
        Check(source, source.Train);
        if (source.Test is { } test)
            Check(source, test);
    }

    public DataSet Source { get; }

    public void Dispose() { }

    private static void Check(DataSet set, DataSplit split)
    {
        long features = (long)split.Count * set.Inputs;
        bool whole =
            split.Inputs == set.Inputs
            && (split.Floats?.Length ?? split.Bytes?.Length) == features
            && set.Task switch
            {
                DataTask.Classification => split.Labels?.Length == split.Count,
                DataTask.Regression => split.Targets?.Length == (long)split.Count * set.Outputs && split.Labels is null,
                _ => true,
            };
        if (!whole)
            throw new ArgumentException(
                $"{set.Name}: a split does not hold {split.Count} examples of {set.Inputs} features with their targets",
                nameof(set)
            );
        foreach (int label in split.Labels ?? [])
        {
            if ((uint)label >= (uint)set.Outputs)
                throw new ArgumentException($"{set.Name} has a label {label} but {set.Outputs} classes", nameof(set));
        }
    }
}
