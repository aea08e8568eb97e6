using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>Losses of dense networks at weights and over planes.</summary>
internal sealed unsafe class DenseEvaluator : CpuEvaluator
{
    private const int ChunkRows = 256;

    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly DensePass pass;

    /// <summary>Of the last plane and set asked about: grids are refined in many short calls.</summary>
    private DenseGrid? grid;
    private bool disposed;

    public DenseEvaluator(KernelTable kernels, DataSet data, NetworkSpec network)
        : base(data, network)
    {
        (this.kernels, this.network) = (kernels, network);
        pass = new DensePass(kernels, network, Layout, ChunkRows, slopes: false, data: data.Train);
    }

    /// <summary>Bytes of an evaluator that has computed a grid of the set, if there is one, on so many threads.</summary>
    public static long Predict(KernelTable kernels, DataSet data, NetworkSpec network, EvaluationSet? set, int threads)
    {
        var ledger = new Ledger(predicting: true);
        var layout = WeightLayout.Of(network);
        using var pass = new DensePass(kernels, network, layout, ChunkRows, slopes: false, ledger, data.Train);
        using var grid = set is null ? null : new DenseGrid(kernels, network, layout, data, null, set, keep: true, ledger);
        grid?.Prepare(threads);
        return ledger.Total;
    }

    public override Evaluation Evaluate(IWeights weights, EvaluationSet set)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
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
            if (split.Labels is not null)
                right += pass.CountRight(rows);
        }
        GC.KeepAlive(this);
        return new Evaluation(loss / count, split.Labels is null ? double.NaN : (double)right / count);
    }

    public override void Grid(
        IPlane plane,
        GridRegion region,
        int resolution,
        EvaluationSet set,
        Span<float> losses,
        CancellationToken cancel,
        int threads
    )
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        CheckGrid(resolution, losses, threads);
        cancel.ThrowIfCancellationRequested();
        var ours = CpuPlane.Of(plane, Layout);
        using var hold = ours.Hold();
        if (grid?.IsOf(ours, set) != true)
        {
            grid?.Dispose();
            grid = null;
            grid = new DenseGrid(kernels, network, Layout, Data, ours, set, keep: true);
        }
        fixed (float* to = losses)
            grid.Fill(Lines(region.X0, region.X1, resolution), Lines(region.Y0, region.Y1, resolution), to, threads, cancel);
        GC.KeepAlive(this);
    }

    public override void Line(
        IWeights from,
        IWeights to,
        double t0,
        double t1,
        int count,
        EvaluationSet set,
        Span<Evaluation> values,
        CancellationToken cancel
    )
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        CheckLine(count, values);
        using var line = CpuPlane.Line(Layout, from, to);
        using var along = new DenseGrid(kernels, network, Layout, Data, line, set, keep: false);
        along.Measure(Lines(t0, t1, count), 0, values, cancel);
        GC.KeepAlive(this);
    }

    public override void Outputs(IWeights weights, ReadOnlySpan<float> inputs, Span<float> outputs)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        LayerShape first = Layout.Layers[0],
            last = Layout.Layers[^1];
        int count = inputs.Length / first.Inputs;
        if (inputs.Length != count * first.Inputs)
            throw new ArgumentException($"{inputs.Length} values for examples of {first.Inputs} inputs", nameof(inputs));
        if (outputs.Length != count * last.Outputs)
            throw new ArgumentException($"{outputs.Length} places for {count} examples of {last.Outputs} outputs", nameof(outputs));
        var split = new DataSplit
        {
            Count = count,
            Inputs = first.Inputs,
            Floats = inputs.ToArray(),
        };
        using var hold = CpuWeights.Of(weights, Layout).Hold();
        for (int start = 0; start < count; start += pass.Capacity)
        {
            int rows = Math.Min(pass.Capacity, count - start);
            for (int b = 0; b < rows; b++)
                pass.GatherFeatures(split, start + b, b);
            pass.Forward(hold.Pointer, rows);
            for (int b = 0; b < rows; b++)
                new ReadOnlySpan<float>(pass.Output(Layout.Layers.Length - 1) + (nint)b * last.Stride, last.Outputs).CopyTo(
                    outputs[((start + b) * last.Outputs)..]
                );
        }
        GC.KeepAlive(this);
    }

    public override void Dispose()
    {
        disposed = true;
        grid?.Dispose();
        pass.Dispose();
    }

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
}
