namespace BatchViz.Core.Engines;

/// <summary>An engine could not get the memory that a batch takes; what it had taken for it has been given back.</summary>
/// <param name="asked">Bytes asked for and not had; 0 where that is not known.</param>
public sealed class MemoryExhaustedException(int batchSize, long asked, Exception? inner = null)
    : OutOfMemoryException($"batch size {batchSize}: {asked} bytes more could not be had", inner)
{
    public long Asked => asked;
}
