using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Surface;

/// <summary>
/// Two weights on a known surface: an example's loss is f(x, y) + a·x + b·y, its gradient ∇f + (a, b); a batch's are the means.
/// </summary>
internal sealed unsafe class SurfaceModel : Model
{
    private readonly KernelTable kernels;
    private readonly DataSet data;
    private readonly Arena arena;
    private readonly float* gradient;

    public SurfaceModel(KernelTable kernels, DataSet data, Ledger? ledger = null)
    {
        (this.kernels, this.data) = (kernels, data);
        arena = new Arena(ledger);
        arena.Reserve(WeightLayout.Lanes, MemoryUse.Gradients);
        gradient = arena.Take();
    }

    public override bool KeepsWeightSquare => false;

    public override void Update(float* weights, float* state, ReadOnlySpan<int> batch, Optimizer optimizer, UpdateStatistics figures)
    {
        float[] shifts = data.Train.Floats!;
        double a = 0,
            b = 0,
            x = weights[0],
            y = weights[1];
        var (gx, gy) = Surfaces.Gradient(data.Surface!.Value, x, y);
        foreach (int i in batch)
        {
            double ax = shifts[2 * i],
                by = shifts[2 * i + 1];
            a += ax;
            b += by;
            figures.AddExample((gx + ax) * (gx + ax) + (gy + by) * (gy + by));
        }
        a /= batch.Length;
        b /= batch.Length;
        float* g = gradient;
        g[0] = (float)(gx + a);
        g[1] = (float)(gy + b);
        figures.Squares[0] = (gx + a) * (gx + a) + (gy + b) * (gy + b);
        figures.Loss = Surfaces.Value(data.Surface.Value, x, y) + a * x + b * y;
        long floats = WeightLayout.Lanes;
        double square = 0;
        kernels.SummarizeGradient(1, &floats, g, &square, ref figures.Gradient);
        if (figures.Finite)
            (figures.UpdateSquare, figures.WeightSquare) = optimizer.Step(0, WeightLayout.Lanes, weights, g, state);
    }

    public override void Dispose() => arena.Dispose();
}
