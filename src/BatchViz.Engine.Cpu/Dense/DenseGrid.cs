using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Planes;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Losses of one evaluation set over one plane. The first layer is affine in the weights, so over the whole plane its outputs are
/// Z₀ + xZ₁ + yZ₂: three products serve every point, and are kept for the next call. The layers after it get their weights combined
/// at each point. Use: for each row <see cref="StartRow"/>, for each chunk of examples <see cref="StartChunk"/>, then
/// <see cref="Loss"/> at each x.
/// </summary>
internal sealed unsafe class DenseGrid : IDisposable
{
    /// <summary>Products of up to this many floats are kept (128 MB); those of larger sets are made anew in every row.</summary>
    private const long Budget = 32_000_000;

    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly DensePass pass;
    private readonly DataSplit split;
    private readonly CpuPlane plane;
    private readonly EvaluationSet set;
    private readonly Arena arena = new();
    private readonly float* products, rowProduct, rowWeights, weights;
    private readonly long chunkFloats;
    private readonly bool[] kept;
    private float y;
    private int rows;
    private float* current;

    public DenseGrid(KernelTable kernels, WeightLayout layout, DensePass pass, DataSet data, CpuPlane plane, EvaluationSet set)
    {
        (this.kernels, this.layout, this.pass, this.plane, this.set) = (kernels, layout, pass, plane, set);
        split = data.Of(set.Split);
        Examples = set.Indices?.Length ?? split.Count;
        Chunks = (Examples + pass.Capacity - 1) / pass.Capacity;
        chunkFloats = (long)pass.Capacity * layout.Layers[0].Stride;
        kept = new bool[Chunks * 3 * chunkFloats <= Budget ? Chunks : 0];
        arena.Reserve(Math.Max(1, kept.Length) * 3 * chunkFloats);
        arena.Reserve(chunkFloats);
        arena.Reserve(layout.Floats);
        arena.Reserve(layout.Floats);
        products = arena.Take();
        rowProduct = arena.Take();
        rowWeights = arena.Take();
        weights = arena.Take();
    }

    public int Examples { get; }

    public int Chunks { get; }

    public bool IsOf(CpuPlane otherPlane, EvaluationSet otherSet) => ReferenceEquals(plane, otherPlane) && set == otherSet;

    /// <summary>Goes to a line of constant y.</summary>
    /// <param name="vectors">The plane's, held by the caller until it is done with the row.</param>
    public void StartRow(float* vectors, float atY)
    {
        y = atY;
        CombineLater(vectors, 0, null, y, vectors + 2 * layout.Floats, rowWeights);
    }

    /// <summary>Goes to a chunk of the examples: their targets, and their first layer's outputs along the row.</summary>
    public void StartChunk(float* vectors, int chunk)
    {
        int first = chunk * pass.Capacity;
        rows = Math.Min(pass.Capacity, Examples - first);
        for (int b = 0; b < rows; b++) pass.GatherTarget(split, Example(first + b), b);

        bool keep = kept.Length > 0;
        current = products + (keep ? chunk * 3 * chunkFloats : 0);
        if (!keep || !kept[chunk])
        {
            for (int b = 0; b < rows; b++) pass.GatherFeatures(split, Example(first + b), b);
            for (int i = 0; i < 3; i++) Product(vectors + i * layout.Floats, current + i * chunkFloats);
            if (keep) kept[chunk] = true;
        }
        kernels.Combine(RowFloats, current, 0, null, y, current + 2 * chunkFloats, rowProduct);
    }

    /// <summary>Sum of the chunk's losses at (x, y).</summary>
    public double Loss(float* vectors, float x)
    {
        kernels.Combine(RowFloats, rowProduct, x, current + chunkFloats, 0, null, pass.Output(0));
        kernels.Activate(pass.ActivationOf(0), RowFloats, pass.Output(0), null);
        if (layout.Layers.Length > 1)
        {
            CombineLater(rowWeights, x, vectors + layout.Floats, 0, null, weights);
            pass.ForwardFrom(1, weights, rows);
        }
        return pass.Loss(rows, null, 0);
    }

    public void Dispose() => arena.Dispose();

    private long RowFloats => (long)rows * layout.Layers[0].Stride;

    private int Example(int place) => set.Indices?[place] ?? place;

    private void Product(float* vector, float* z)
    {
        var layer = layout.Layers[0];
        kernels.MatrixProduct(rows, layer.Inputs, layer.Stride, pass.Input, Arena.Pad(layer.Inputs), 1,
            vector, layer.Bias ? vector + layer.BiasOffset : null, z, false);
    }

    /// <summary>Combines the weights of the layers after the first.</summary>
    private void CombineLater(float* a, float x, float* b, float atY, float* c, float* to)
    {
        long skip = layout.Layers[0].Floats;
        kernels.Combine(layout.Floats - skip, a + skip, x, b == null ? null : b + skip, atY, c == null ? null : c + skip, to + skip);
    }
}
