using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// Losses over a plane. The first layer is affine in the weights, so over the whole plane its outputs are Z₀ + xZ₁ + yZ₂: three
/// products serve every point. The layers after it get their weights combined at each point.
/// Use: <see cref="Add"/> the gathered chunks, then for each row <see cref="StartRow"/>, for each chunk <see cref="StartChunk"/>,
/// then <see cref="Loss"/> at each x.
/// </summary>
internal sealed unsafe class DenseGrid : IDisposable
{
    /// <summary>At most this many floats for Z₀, Z₁ and Z₂ together (64 MB).</summary>
    private const long Budget = 16_000_000;

    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly DensePass pass;
    private readonly float* plane;
    private readonly Arena arena = new();
    private readonly float* z0, z1, z2, zRow, weightsRow, weights;
    private readonly List<int> chunkRows = [];
    private readonly long chunkFloats, later;
    private float y;
    private int chunk;

    /// <param name="plane">Origin and both directions, padded, one after another.</param>
    public DenseGrid(KernelTable kernels, WeightLayout layout, DensePass pass, float* plane)
    {
        (this.kernels, this.layout, this.pass) = (kernels, layout, pass);
        this.plane = plane;
        int stride = layout.Layers[0].Stride;
        chunkFloats = (long)pass.Capacity * stride;
        int chunks = (int)Math.Max(1, Budget / (3 * chunkFloats));
        ExamplesAtOnce = chunks * pass.Capacity;
        later = layout.Layers[0].Floats;
        for (int i = 0; i < 3; i++) arena.Reserve(chunks * chunkFloats);
        arena.Reserve(chunkFloats);
        for (int i = 0; i < 2; i++) arena.Reserve(layout.Floats);
        z0 = arena.Take();
        z1 = arena.Take();
        z2 = arena.Take();
        zRow = arena.Take();
        weightsRow = arena.Take();
        weights = arena.Take();
    }

    /// <summary>Examples whose first-layer outputs are held together; more are done one such part after another.</summary>
    public int ExamplesAtOnce { get; }

    public int Chunks => chunkRows.Count;

    public void Clear() => chunkRows.Clear();

    /// <summary>First-layer outputs of the examples just gathered, at the origin and along both directions.</summary>
    public void Add(int rows)
    {
        var layer = layout.Layers[0];
        long at = Chunks * chunkFloats;
        Product(plane, z0 + at);
        Product(plane + layout.Floats, z1 + at);
        Product(plane + 2 * layout.Floats, z2 + at);
        chunkRows.Add(rows);

        void Product(float* vector, float* z) => kernels.MatrixProduct(rows, layer.Inputs, layer.Stride, pass.Input, Arena.Pad(layer.Inputs), 1,
            vector, layer.Bias ? vector + layer.BiasOffset : null, z, false);
    }

    public void StartRow(float atY)
    {
        y = atY;
        Combine(plane, 0, null, y, plane + 2 * layout.Floats, weightsRow);
    }

    public void StartChunk(int which)
    {
        chunk = which;
        long floats = (long)chunkRows[chunk] * layout.Layers[0].Stride, at = chunk * chunkFloats;
        kernels.Combine(floats, z0 + at, 0, null, y, z2 + at, zRow);
    }

    /// <summary>Sum of the chunk's losses at (x, y).</summary>
    public double Loss(float x)
    {
        int rows = chunkRows[chunk];
        long floats = (long)rows * layout.Layers[0].Stride;
        kernels.Combine(floats, zRow, x, z1 + chunk * chunkFloats, 0, null, pass.Output(0));
        kernels.Activate(pass.ActivationOf(0), floats, pass.Output(0), null);
        if (layout.Layers.Length > 1)
        {
            Combine(weightsRow, x, plane + layout.Floats, 0, null, weights);
            pass.ForwardFrom(1, weights, rows);
        }
        return pass.Loss(rows, null, 0);
    }

    public void Dispose() => arena.Dispose();

    /// <summary>Combines the weights of the layers after the first.</summary>
    private void Combine(float* a, float x, float* b, float atY, float* c, float* to)
        => kernels.Combine(layout.Floats - later, a + later, x, b == null ? null : b + later, atY, c == null ? null : c + later, to + later);
}
