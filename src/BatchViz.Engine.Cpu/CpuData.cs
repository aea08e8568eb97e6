using BatchViz.Core.Data;
using BatchViz.Core.Engines;

namespace BatchViz.Engine.Cpu;

/// <summary>The host's memory is the engine's: batches are gathered straight from the data set.</summary>
internal sealed class CpuData(DataSet source) : IEngineData
{
    public DataSet Source { get; } = source;

    public void Dispose()
    {
    }
}
