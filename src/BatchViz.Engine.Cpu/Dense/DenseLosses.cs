using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.FullGradient;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>Losses of a dense network, tiny ones included, in chunks of the size that it trains in.</summary>
internal sealed unsafe class DenseLosses : Losses
{
    private readonly DataSplit train;
    private readonly DensePass pass;
    private readonly int chunk;

    /// <param name="most">Most examples at once.</param>
    public DenseLosses(KernelTable kernels, DataSet data, NetworkSpec network, WeightLayout layout, int most, Ledger ledger)
    {
        train = data.Train;
        chunk = Math.Min(most, DenseModel.ChunkRows);
        pass = new DensePass(kernels, network, layout, chunk, slopes: false, ledger, train);
    }

    public override void Of(float* weights, ReadOnlySpan<int> examples, Span<float> losses)
    {
        for (int start = 0; start < examples.Length; start += chunk)
        {
            int rows = Math.Min(chunk, examples.Length - start);
            for (int b = 0; b < rows; b++)
            {
                pass.GatherFeatures(train, examples[start + b], b);
                pass.GatherTarget(train, examples[start + b], b);
            }
            pass.Forward(weights, rows);
            pass.Loss(rows, null, 0);
            new Span<float>(pass.Losses, rows).CopyTo(losses[start..]);
        }
    }

    public override void Dispose() => pass.Dispose();
}
