using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.FullGradient;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Losses of a model of layers whose examples have losses of their own, always evaluating: batch norms use running statistics, dropout
/// drops nothing.
/// </summary>
internal sealed unsafe class LayeredLosses : Losses
{
    private readonly DataSplit train;
    private readonly LayeredPass pass;

    /// <param name="most">Most examples at once.</param>
    public LayeredLosses(KernelTable kernels, DataSet data, NetworkSpec network, WeightLayout layout, int most, Ledger ledger)
    {
        train = data.Train;
        pass = new LayeredPass(
            kernels,
            network,
            layout,
            Math.Min(most, LayeredPass.CachedRows(kernels, layout, network)),
            Uses.Loss,
            ledger
        );
    }

    public override void Begin(float* statistics) => pass.State.Statistics = statistics;

    public override void Of(float* weights, ReadOnlySpan<int> examples, Span<float> losses)
    {
        pass.State.Weights = weights;
        pass.Prepare(backward: false);
        for (int start = 0; start < examples.Length; start += pass.Capacity)
        {
            int rows = Math.Min(pass.Capacity, examples.Length - start);
            for (int row = 0; row < rows; row++)
                pass.Gather(train, examples[start + row], row);
            pass.Forward(rows);
            pass.Loss(rows, 0);
            new Span<float>(pass.Losses, rows).CopyTo(losses[start..]);
        }
    }

    public override void Dispose() => pass.Dispose();
}
