using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Losses of one evaluation set over one plane. The first layer is affine in the weights, so over the whole plane its outputs are
/// Z₀ + xZ₁ + yZ₂: three products serve every point; threads share them, and they are kept for the next call. The layers after it get
/// their weights combined at each point. Examples lie in the lanes and a point is one thread's, so its bits depend neither on the
/// number of threads nor on which other points are computed.
/// </summary>
internal sealed unsafe class DenseGrid : IDisposable
{
    /// <summary>Products of up to this many floats are kept (128 MB); those of larger sets are made anew in every row.</summary>
    private const long Budget = 32_000_000;

    /// <summary>Floats of one product of a chunk: with its row's product it stays in the second-level cache.</summary>
    private const int ChunkFloats = 32_768;

    /// <summary>Examples of a chunk: at least so many share the weights combined for a point, and at most.</summary>
    private const int FewestExamples = 128,
        MostExamples = 1024;

    /// <summary>Multiply-adds below which a helper is not worth its start (some 0.1 ms).</summary>
    private const double WorthSharing = 2e6;

    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly WeightLayout layout;
    private readonly CpuPlane? plane;
    private readonly Ledger? ledger;
    private readonly EvaluationSet set;
    private readonly LaneExamples examples;
    private readonly Arena arena;
    private readonly List<Worker> workers = [];
    private readonly float* vectors,
        products;
    private readonly long vectorFloats,
        productFloats,
        laterFloats;
    private readonly int units,
        chunkBlocks,
        chunks;
    private readonly bool[] kept;

    /// <summary>The second direction leads nowhere.</summary>
    private readonly bool line;

    /// <param name="keep">Whether more than one row may be asked for, so that products are worth keeping.</param>
    /// <param name="plane">Null only where <paramref name="ledger"/> predicts.</param>
    public DenseGrid(
        KernelTable kernels,
        NetworkSpec network,
        WeightLayout layout,
        DataSet data,
        CpuPlane? plane,
        EvaluationSet set,
        bool keep,
        Ledger? ledger = null
    )
    {
        (this.kernels, this.network, this.layout, this.plane, this.set, this.ledger) = (kernels, network, layout, plane, set, ledger);
        arena = new Arena(ledger);
        examples = new LaneExamples(kernels, data, set, ledger);
        line = plane is { YY: 0 };
        var first = layout.Layers[0];
        units = first.Outputs;
        laterFloats = (layout.Parameters - first.Parameters + WeightLayout.Lanes - 1) / WeightLayout.Lanes * WeightLayout.Lanes;
        int chunkExamples = Math.Clamp(ChunkFloats / units, FewestExamples, MostExamples);
        chunkBlocks = Math.Min(examples.Blocks, Math.Max(1, chunkExamples / examples.Block));
        chunks = (examples.Blocks + chunkBlocks - 1) / chunkBlocks;
        productFloats = (long)chunkBlocks * examples.Block * units;
        kept = new bool[keep && chunks * 3 * productFloats <= Budget ? chunks : 0];
        vectorFloats = first.Parameters + laterFloats;
        arena.Reserve(3 * vectorFloats);
        arena.Reserve(kept.Length * 3 * productFloats);
        vectors = arena.Take();
        products = arena.Take();
        if (plane is null)
            return;
        using var hold = plane.Hold();
        for (int i = 0; i < 3; i++)
            layout.Unpack(hold.Pointer + i * layout.Floats, new Span<float>(vectors + i * vectorFloats, checked((int)layout.Parameters)));
    }

    public bool IsOf(CpuPlane otherPlane, EvaluationSet otherSet) => ReferenceEquals(plane, otherPlane) && set == otherSet;

    /// <summary>Computes the points of a grid that hold NaN; rows are shared between threads.</summary>
    /// <param name="xs">Coordinates of the columns, [resolution].</param>
    /// <param name="ys">Coordinates of the rows, [resolution].</param>
    /// <param name="losses">[rows, columns]; mean losses, +∞ where they are not finite.</param>
    public void Fill(float[] xs, float[] ys, float* losses, int threads, CancellationToken cancel)
    {
        int[] rows = [.. Enumerable.Range(0, ys.Length).Where(row => Missing(losses, row, xs.Length) > 0)];
        double points = rows.Sum(row => (double)Missing(losses, row, xs.Length));
        if (points * examples.Count * (units + laterFloats) < WorthSharing)
            threads = 1;
        threads = Math.Clamp(threads, 1, Math.Max(1, Math.Max(rows.Length, chunks)));
        Prepare(threads);

        int[] missing = [.. Enumerable.Range(0, kept.Length).Where(chunk => !kept[chunk])];
        Workers.Share(threads, missing.Length, (worker, i) => workers[worker].Keep(missing[i]), cancel);
        Workers.Share(
            threads,
            rows.Length,
            (worker, i) => workers[worker].Row(xs, ys[rows[i]], losses + (nint)rows[i] * xs.Length),
            cancel
        );
    }

    /// <summary>Takes what so many threads need.</summary>
    public void Prepare(int threads)
    {
        while (workers.Count < threads)
            workers.Add(new Worker(this));
    }

    /// <summary>Mean loss and accuracy (NaN without classes) at the points of one line of constant y.</summary>
    public void Measure(float[] xs, float y, Span<Evaluation> values, CancellationToken cancel)
    {
        Prepare(1);
        workers[0].Measure(xs, y, values, cancel);
    }

    public void Dispose()
    {
        foreach (var worker in workers)
            worker.Dispose();
        examples.Dispose();
        arena.Dispose();
    }

    private static int Missing(float* losses, int row, int columns)
    {
        int missing = 0;
        for (int column = 0; column < columns; column++)
            missing += float.IsNaN(losses[(nint)row * columns + column]) ? 1 : 0;
        return missing;
    }

    /// <summary>What one thread needs for itself.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly DenseGrid grid;
        private readonly LanePass pass;
        private readonly Arena arena;
        private readonly float* rowProduct,
            rowWeights,
            weights,
            spare;

        public Worker(DenseGrid grid)
        {
            this.grid = grid;
            arena = new Arena(grid.ledger);
            pass = new LanePass(grid.kernels, grid.network, grid.layout, grid.examples, grid.ledger);
            arena.Reserve(grid.productFloats);
            arena.Reserve(grid.laterFloats);
            arena.Reserve(grid.laterFloats);
            arena.Reserve(grid.kept.Length > 0 ? 0 : 3 * grid.productFloats);
            rowProduct = arena.Take();
            rowWeights = arena.Take();
            weights = arena.Take();
            spare = arena.Take();
        }

        /// <summary>Computes a chunk's products for good.</summary>
        public void Keep(int chunk)
        {
            Products(chunk, Kept(chunk));
            grid.kept[chunk] = true;
        }

        /// <summary>The points of a row that hold NaN.</summary>
        public void Row(float[] xs, float y, float* losses)
        {
            var sums = new double[xs.Length];
            StartRow(y);
            for (int chunk = 0; chunk < grid.chunks; chunk++)
            {
                float* product = StartChunk(chunk, y);
                for (int column = 0; column < xs.Length; column++)
                    if (float.IsNaN(losses[column]))
                        sums[column] += Loss(chunk, product, xs[column], null);
            }
            for (int column = 0; column < xs.Length; column++)
                if (float.IsNaN(losses[column]))
                    losses[column] = CpuEvaluator.Height(sums[column] / grid.examples.Count);
        }

        public void Measure(float[] xs, float y, Span<Evaluation> values, CancellationToken cancel)
        {
            var sums = new double[xs.Length];
            var right = new int[xs.Length];
            StartRow(y);
            for (int chunk = 0; chunk < grid.chunks; chunk++)
            {
                cancel.ThrowIfCancellationRequested();
                float* product = StartChunk(chunk, y);
                fixed (int* counts = right)
                    for (int column = 0; column < xs.Length; column++)
                        sums[column] += Loss(chunk, product, xs[column], grid.examples.Labelled ? counts + column : null);
            }
            for (int column = 0; column < xs.Length; column++)
            {
                values[column] = new Evaluation(
                    sums[column] / grid.examples.Count,
                    grid.examples.Labelled ? (double)right[column] / grid.examples.Count : double.NaN
                );
            }
        }

        public void Dispose()
        {
            pass.Dispose();
            arena.Dispose();
        }

        private int BlocksOf(int chunk) => Math.Min(grid.chunkBlocks, grid.examples.Blocks - chunk * grid.chunkBlocks);

        private float* Kept(int chunk) => grid.products + chunk * 3 * grid.productFloats;

        /// <summary>Later weights of the row's points at x = 0.</summary>
        private void StartRow(float y)
        {
            float* origin = grid.vectors + grid.layout.Layers[0].Parameters;
            grid.kernels.Combine(grid.laterFloats, origin, 0, null, y, grid.line ? null : origin + 2 * grid.vectorFloats, rowWeights);
        }

        /// <summary>The chunk's products, and in <see cref="rowProduct"/> its first layer's outputs at x = 0.</summary>
        private float* StartChunk(int chunk, float y)
        {
            float* product = grid.kept.Length > 0 ? Kept(chunk) : spare;
            if (product == spare)
                Products(chunk, spare);
            long floats = (long)BlocksOf(chunk) * grid.examples.Block * grid.units;
            grid.kernels.Combine(floats, product, 0, null, y, grid.line ? null : product + 2 * grid.productFloats, rowProduct);
            return product;
        }

        /// <summary>Z₀, Z₁ and, unless the plane is a line, Z₂ of a chunk, each [blocks][units, block].</summary>
        private void Products(int chunk, float* to)
        {
            long blockFloats = (long)grid.examples.Block * grid.units;
            for (int b = 0; b < BlocksOf(chunk); b++)
            {
                pass.Gather(chunk * grid.chunkBlocks + b);
                for (int i = 0; i < (grid.line ? 2 : 3); i++)
                    pass.FirstLayer(grid.vectors + i * grid.vectorFloats, to + i * grid.productFloats + b * blockFloats);
            }
        }

        /// <summary>Sum of the chunk's losses at x.</summary>
        private double Loss(int chunk, float* product, float x, int* right)
        {
            float* direction = grid.vectors + grid.vectorFloats + grid.layout.Layers[0].Parameters;
            grid.kernels.Combine(grid.laterFloats, rowWeights, x, direction, 0, null, weights);
            long blockFloats = (long)grid.examples.Block * grid.units;
            double sum = 0;
            for (int b = 0; b < BlocksOf(chunk); b++)
            {
                sum += pass.Loss(
                    chunk * grid.chunkBlocks + b,
                    rowProduct + b * blockFloats,
                    x,
                    product + grid.productFloats + b * blockFloats,
                    weights,
                    right
                );
            }
            return sum;
        }
    }
}
