using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>Losses of dense networks at weights and over planes.</summary>
internal sealed unsafe class DenseEvaluator : CpuEvaluator
{
    private const int ChunkRows = 256;

    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly DensePass pass;

    public DenseEvaluator(KernelTable kernels, DataSet data, NetworkSpec network) : base(data, network)
    {
        (this.kernels, this.network) = (kernels, network);
        pass = new DensePass(kernels, network, Layout, ChunkRows, slopes: false);
    }

    public override Evaluation Evaluate(IWeights weights, EvaluationSet set)
    {
        using var hold = CpuWeights.Of(weights, Layout).Hold();
        int count = CountOf(set);
        var split = Data.Of(set.Split);
        double loss = 0;
        int right = 0;
        for (int start = 0; start < count; start += pass.Capacity)
        {
            int rows = Gather(set, split, start, count);
            pass.Forward(hold.Pointer, rows);
            loss += pass.Loss(rows, null, 0);
            if (split.Labels is not null) right += pass.CountRight(rows);
        }
        GC.KeepAlive(this);
        return new Evaluation(loss / count, split.Labels is null ? double.NaN : (double)right / count);
    }

    public override void Grid(IPlane plane, GridRegion region, int resolution, EvaluationSet set, Span<float> losses, CancellationToken cancel)
    {
        CheckGrid(resolution, losses);
        using var hold = CpuPlane.Of(plane, Layout).Hold();
        using var grid = new DenseGrid(kernels, Layout, pass, hold.Pointer);
        int count = CountOf(set);
        var split = Data.Of(set.Split);
        int most = grid.ExamplesAtOnce;
        var sums = new double[resolution * resolution];
        for (int first = 0; first < count; first += most)
        {
            int last = Math.Min(count, first + most);
            bool finished = last == count;
            grid.Clear();
            for (int start = first; start < last; start += pass.Capacity)
            {
                int rows = Gather(set, split, start, last);
                grid.Add(rows);
            }
            for (int row = 0; row < resolution; row++)
            {
                cancel.ThrowIfCancellationRequested();
                double y = Line(region.Y0, region.Y1, row, resolution);
                grid.StartRow((float)y);
                for (int chunk = 0; chunk < grid.Chunks; chunk++)
                {
                    GatherTargets(set, split, first + chunk * pass.Capacity, last);
                    grid.StartChunk(chunk);
                    for (int column = 0; column < resolution; column++)
                    {
                        if (!float.IsNaN(losses[row * resolution + column])) continue;
                        double x = Line(region.X0, region.X1, column, resolution);
                        sums[row * resolution + column] += grid.Loss((float)x);
                    }
                }
                if (!finished) continue;
                for (int column = 0; column < resolution; column++)
                {
                    ref float loss = ref losses[row * resolution + column];
                    if (float.IsNaN(loss)) loss = Height(sums[row * resolution + column] / count);
                }
            }
        }
        GC.KeepAlive(this);
    }

    public override void Dispose() => pass.Dispose();

    private int Gather(EvaluationSet set, DataSplit split, int start, int end)
    {
        int rows = Math.Min(pass.Capacity, end - start);
        for (int b = 0; b < rows; b++)
        {
            int example = set.Indices?[start + b] ?? start + b;
            pass.GatherFeatures(split, example, b);
            pass.GatherTarget(split, example, b);
        }
        return rows;
    }

    private void GatherTargets(EvaluationSet set, DataSplit split, int start, int end)
    {
        int rows = Math.Min(pass.Capacity, end - start);
        for (int b = 0; b < rows; b++) pass.GatherTarget(split, set.Indices?[start + b] ?? start + b, b);
    }
}
