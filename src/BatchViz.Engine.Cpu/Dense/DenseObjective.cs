using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Probes;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// The mean loss of a dense network over a set, in chunks of <see cref="ChunkRows"/> examples that add up in their order. Chunks keep
/// their features and linearisation for the next question as long as they fit into <see cref="Budget"/>; those that do not
/// share the last place and are computed anew, to the same bits.
/// </summary>
internal sealed unsafe class DenseObjective : Objective
{
    public const int ChunkRows = 128;

    private readonly KernelTable kernels;
    private readonly NetworkSpec network;
    private readonly WeightLayout layout;
    private readonly long budget;
    private readonly Arena arena = new();
    private readonly float*[] transposed;
    private readonly float* at,
        ones,
        products;
    private DenseChunk?[] places = [];
    private DenseTangent? tangent;
    private long linearisation;

    /// <param name="budget">Floats that kept chunks may take (at least one is kept); by default 128 MB.</param>
    public DenseObjective(KernelTable kernels, NetworkSpec network, WeightLayout layout, long budget = 32_000_000)
    {
        (this.kernels, this.network, this.layout, this.budget) = (kernels, network, layout, budget);
        transposed = new float*[layout.Layers.Length];
        arena.Reserve(layout.Floats);
        arena.Reserve(ChunkRows);
        arena.Reserve((long)ChunkRows * layout.Layers.Max(layer => layer.Stride));
        foreach (var layer in layout.Layers)
            arena.Reserve(layer.Offset > 0 ? (long)layer.Outputs * Arena.Pad(layer.Inputs) : 0);
        at = arena.Take();
        ones = arena.Take();
        products = arena.Take();
        for (int l = 0; l < transposed.Length; l++)
            transposed[l] = arena.Take();
        new Span<float>(ones, ChunkRows).Fill(1);
    }

    private int Chunks => (Examples + ChunkRows - 1) / ChunkRows;

    public override double Loss(float* weights, CancellationToken cancel)
    {
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            sum += Chunk(c).Loss(weights);
        }
        return sum / Examples;
    }

    public override double Linearise(float* weights, float* gradient, bool curvature, CancellationToken cancel) =>
        Linearise(weights, gradient, curvature, null, cancel);

    public override double ExampleGradients(float* weights, float* gradient, double[] squares, CancellationToken cancel) =>
        Linearise(weights, gradient, false, squares, cancel);

    public override double ExampleSlopes(float* weights, float* d1, float* d2, double[] along1, double[] along2, CancellationToken cancel)
    {
        MoveTo(weights);
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var chunk = Chunk(c);
            sum += chunk.Linearise(at, transposed, false, linearisation);
            chunk.GradientSlopes(d1, products, along1.AsSpan(c * ChunkRows, chunk.Rows));
            chunk.GradientSlopes(d2, products, along2.AsSpan(c * ChunkRows, chunk.Rows));
        }
        return sum / Examples;
    }

    public override void HessianProduct(float* v, float* product, CancellationToken cancel)
    {
        tangent ??= new DenseTangent(kernels, network, layout, Arena.Pad(ChunkRows));
        tangent.Start(v);
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var chunk = Chunk(c);
            if (chunk.Linearisation != linearisation || !chunk.Curved)
                chunk.Linearise(at, transposed, true, linearisation);
            tangent.Add(chunk, at, transposed, v, product, add: c > 0);
        }
        kernels.Scale(layout.Floats, 1f / Examples, product);
    }

    public override double MeanSquareOutputSlope(float* weights, CancellationToken cancel)
    {
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            sum += Chunk(c).SumSquareOutputSlopes(weights);
        }
        return sum / Examples;
    }

    public override void Dispose()
    {
        foreach (var chunk in places)
            chunk?.Dispose();
        tangent?.Dispose();
        arena.Dispose();
    }

    protected override void SetChanged()
    {
        foreach (var chunk in places)
            chunk?.Forget();
        int fitting = (int)Math.Clamp(budget / DenseChunk.Floats(layout, ChunkRows), 1, Chunks);
        if (fitting > places.Length)
            Array.Resize(ref places, fitting);
    }

    private double Linearise(float* weights, float* gradient, bool curvature, double[]? squares, CancellationToken cancel)
    {
        MoveTo(weights);
        double sum = 0;
        for (int c = 0; c < Chunks; c++)
        {
            cancel.ThrowIfCancellationRequested();
            var chunk = Chunk(c);
            sum += chunk.Linearise(at, transposed, curvature, linearisation);
            if (squares is not null)
                chunk.GradientSquares(squares.AsSpan(c * ChunkRows, chunk.Rows));
            if (gradient != null)
                AddGradient(chunk, gradient, add: c > 0);
        }
        if (gradient != null)
            kernels.Scale(layout.Floats, 1f / Examples, gradient);
        return sum / Examples;
    }

    /// <summary>Begins a linearisation at these weights.</summary>
    private void MoveTo(float* weights)
    {
        linearisation++;
        System.Buffer.MemoryCopy(weights, at, layout.Floats * sizeof(float), layout.Floats * sizeof(float));
        for (int l = 1; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            Transpose.Run(layer.Inputs, layer.Outputs, at + layer.Offset, layer.Stride, transposed[l], Arena.Pad(layer.Inputs));
        }
    }

    private void AddGradient(DenseChunk chunk, float* gradient, bool add)
    {
        for (int l = 0; l < layout.Layers.Length; l++)
        {
            var layer = layout.Layers[l];
            kernels.MatrixProduct(
                layer.Inputs,
                chunk.Rows,
                layer.Stride,
                chunk.Input(l),
                1,
                Arena.Pad(layer.Inputs),
                chunk.Delta(l),
                null,
                gradient + layer.Offset,
                add
            );
            if (layer.Bias)
                kernels.MatrixProduct(1, chunk.Rows, layer.Stride, ones, 1, 1, chunk.Delta(l), null, gradient + layer.BiasOffset, add);
        }
    }

    /// <summary>The chunk with its examples gathered.</summary>
    private DenseChunk Chunk(int index)
    {
        int first = index * ChunkRows,
            rows = Math.Min(ChunkRows, Examples - first);
        ref var place = ref places[Math.Min(index, places.Length - 1)];
        if (place?.Capacity < rows)
        {
            place.Dispose();
            place = null;
        }
        place ??= new DenseChunk(kernels, network, layout, Math.Min(ChunkRows, Examples));
        place.Gather(Source, Example, first, rows);
        return place;
    }
}
