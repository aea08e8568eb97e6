using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Planes;
using static BatchViz.Core.Language;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// Losses of models of layers, always evaluating: batch norms use running statistics (a plane's are its origin's, a line's lie between
/// those of its ends), dropout drops nothing. A contrastive loss is the mean over blocks of <see cref="NetworkSpec.PairsCompared"/> pairs
/// in the order of the set.
/// </summary>
internal sealed unsafe class LayeredEvaluator : CpuEvaluator
{
    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly List<Worker> workers = [];
    private bool disposed;

    public LayeredEvaluator(KernelTable kernels, DataSet data, NetworkSpec network)
        : base(data, network)
    {
        (this.kernels, this.network) = (kernels, network);
        workers.Add(new Worker(this, null));
    }

    /// <summary>Bytes of an evaluator that has computed a grid on so many threads.</summary>
    public static long Predict(KernelTable kernels, NetworkSpec network, int threads)
    {
        var ledger = new Ledger(predicting: true);
        var layout = WeightLayout.Of(network);
        for (int t = 0; t < threads; t++)
            new Worker(kernels, network, layout, ledger).Dispose();
        return ledger.Total;
    }

    public override Evaluation Evaluate(IWeights weights, EvaluationSet set)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        using var hold = CpuWeights.Of(weights, Layout).Hold();
        var found = workers[0].Evaluate(hold.Pointer, hold.Pointer + Layout.Floats, Data, set);
        GC.KeepAlive(this);
        return found;
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
        using var hold = CpuPlane.Of(plane, Layout).Hold();
        float* vectors = hold.Pointer;
        float[] xs = Lines(region.X0, region.X1, resolution),
            ys = Lines(region.Y0, region.Y1, resolution);
        var missing = new List<int>();
        for (int p = 0; p < losses.Length; p++)
            if (float.IsNaN(losses[p]))
                missing.Add(p);
        while (workers.Count < Math.Min(threads, missing.Count))
            workers.Add(new Worker(this, null));
        fixed (float* to = losses)
        {
            float* target = to;
            Workers.Share(
                Math.Min(threads, Math.Max(1, missing.Count)),
                missing.Count,
                (worker, i) =>
                {
                    int point = missing[i];
                    target[point] = Height(
                        workers[worker].Evaluate(vectors, xs[point % resolution], ys[point / resolution], Data, set).Loss
                    );
                },
                cancel
            );
        }
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
        using var hold = line.Hold();
        float[] ts = Lines(t0, t1, count);
        for (int i = 0; i < count; i++)
        {
            cancel.ThrowIfCancellationRequested();
            values[i] = workers[0].Evaluate(hold.Pointer, ts[i], 0, Data, set);
        }
        GC.KeepAlive(this);
    }

    public override void Outputs(IWeights weights, ReadOnlySpan<float> inputs, Span<float> outputs)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        using var hold = CpuWeights.Of(weights, Layout).Hold();
        workers[0].Outputs(hold.Pointer, hold.Pointer + Layout.Floats, Data.Inputs, inputs, outputs);
        GC.KeepAlive(this);
    }

    public override void Dispose()
    {
        disposed = true;
        foreach (var worker in workers)
            worker.Dispose();
    }

    /// <summary>What one thread needs for itself.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly KernelTable kernels;
        private readonly WeightLayout layout;
        private readonly NetworkSpec network;
        private readonly LayeredPass pass;
        private readonly Arena arena;
        private readonly float* weights,
            statistics;

        public Worker(LayeredEvaluator of, Ledger? ledger)
            : this(of.kernels, of.network, of.Layout, ledger) { }

        public Worker(KernelTable kernels, NetworkSpec network, WeightLayout layout, Ledger? ledger)
        {
            (this.kernels, this.network, this.layout) = (kernels, network, layout);
            int rows = network.Contrastive ? NetworkSpec.PairsCompared : LayeredPass.CachedRows(kernels, layout, network);
            pass = new LayeredPass(kernels, network, layout, rows, Uses.Loss, ledger);
            arena = new Arena(ledger);
            arena.Reserve(layout.Floats);
            arena.Reserve(layout.StatisticsFloats);
            weights = arena.Take();
            statistics = arena.Take();
        }

        public Evaluation Evaluate(float* weights, float* statistics, DataSet data, EvaluationSet set)
        {
            Begin(weights, statistics);
            var split = data.Of(set.Split);
            int count = set.Indices?.Length ?? split.Count,
                right = 0;
            bool counts = split.Labels is not null || network.Contrastive;
            double loss = 0;
            for (int start = 0; start < count; start += pass.Capacity)
            {
                int rows = Math.Min(pass.Capacity, count - start);
                for (int row = 0; row < rows; row++)
                    pass.Gather(split, set.Indices?[start + row] ?? start + row, row);
                pass.Forward(rows);
                loss = pass.Loss(rows, 0, loss, counts ? &right : null);
            }
            return new Evaluation(loss / count, counts ? (double)right / count : double.NaN);
        }

        /// <param name="vectors">Of a plane: origin, directions, statistics and their change along the first.</param>
        public Evaluation Evaluate(float* vectors, float x, float y, DataSet data, EvaluationSet set)
        {
            long n = layout.Floats,
                s = layout.StatisticsFloats;
            kernels.Combine(n, vectors, x, vectors + n, y, vectors + 2 * n, weights);
            if (s > 0)
                kernels.Combine(s, vectors + 3 * n, x, vectors + 3 * n + s, 0, null, statistics);
            return Evaluate(weights, statistics, data, set);
        }

        public void Outputs(float* weights, float* statistics, int width, ReadOnlySpan<float> inputs, Span<float> outputs)
        {
            if (network.Contrastive)
                throw new RefusedException(Tr("A model of two towers has no outputs for one view alone.", "双塔模型对单个视图没有输出。"));
            int wide = network.Graph.Output.Channels,
                count = inputs.Length / width;
            if (inputs.Length != count * width)
                throw new ArgumentException($"{inputs.Length} values for examples of {width} inputs", nameof(inputs));
            if (outputs.Length != count * wide)
                throw new ArgumentException($"{outputs.Length} places for {count} examples of {wide} outputs", nameof(outputs));
            Begin(weights, statistics);
            var split = new DataSplit
            {
                Count = count,
                Inputs = width,
                Floats = inputs.ToArray(),
            };
            for (int start = 0; start < count; start += pass.Capacity)
            {
                int rows = Math.Min(pass.Capacity, count - start);
                for (int row = 0; row < rows; row++)
                    pass.GatherFeatures(split, start + row, row);
                pass.Forward(rows);
                for (int row = 0; row < rows; row++)
                    new ReadOnlySpan<float>(pass.Output.Row(row), wide).CopyTo(outputs[((start + row) * wide)..]);
            }
        }

        public void Dispose()
        {
            pass.Dispose();
            arena.Dispose();
        }

        private void Begin(float* weights, float* statistics)
        {
            pass.State.Weights = weights;
            pass.State.Statistics = statistics;
            pass.Prepare(backward: false);
        }
    }
}
