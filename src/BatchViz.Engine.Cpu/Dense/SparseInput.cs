using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Dense;

/// <summary>
/// The features of a chunk that are not 0, by example and by feature: a product of the first layer then reads only what it multiplies
/// with. See <see cref="SparseKernels{L, V}"/> for why no bit depends on it.
/// </summary>
internal sealed unsafe class SparseInput
{
    private readonly KernelTable kernels;
    private readonly int inputs,
        capacity;
    private readonly float* input;
    private readonly int* ends,
        counts;
    private readonly ushort* list;
    private readonly SparseValue* byFeature;
    private DataSplit? split;
    private SparseSplit? places;
    private int rows,
        listed;
    private bool sorted;

    /// <param name="capacity">Most examples.</param>
    /// <param name="input">Their features [capacity, padded inputs].</param>
    /// <param name="arena">With what <see cref="Reserve"/> has reserved.</param>
    public SparseInput(KernelTable kernels, int inputs, int capacity, float* input, Arena arena)
    {
        (this.kernels, this.inputs, this.capacity) = (kernels, inputs, capacity);
        this.input = input;
        ends = (int*)arena.Take();
        counts = (int*)arena.Take();
        list = (ushort*)arena.Take();
        byFeature = (SparseValue*)arena.Take();
    }

    /// <summary>Whether the zeros of the chunk are known.</summary>
    public bool Active => places is not null && rows > 1;

    public static void Reserve(int inputs, int capacity, Arena arena)
    {
        arena.Reserve(capacity);
        arena.Reserve(inputs);
        arena.Reserve(((long)inputs * capacity + 1) / 2);
        arena.Reserve(2L * inputs * capacity);
    }

    /// <summary>An example has been brought into a row; rows come in order from the first.</summary>
    public void Add(DataSplit from, int example, int row)
    {
        if (!ReferenceEquals(split, from))
            (split, places) = (from, SparseSplit.Of(from));
        if (row == 0)
            listed = 0;
        rows = row + 1;
        sorted = false;
        if (places is null)
            return;
        var own = places.Of(example);
        own.CopyTo(new Span<ushort>(list + listed, own.Length));
        listed += own.Length;
        ends[row] = listed;
    }

    /// <summary>z = start + x·w, as <see cref="KernelTable.MatrixProduct"/> without the zeros.</summary>
    public void Product(int columns, float* w, float* start, float* z) =>
        kernels.SparseProduct(rows, ends, list, columns, input, Arena.Pad(inputs), w, start, z);

    /// <summary>Some rows of the gradient xᵀ·delta.</summary>
    public void Gradient(int first, int count, int columns, float* delta, float* g, bool add)
    {
        if (!sorted)
            Sort();
        kernels.SparseGradient(count, counts + first, byFeature + (nint)first * capacity, capacity, columns, delta, g, add);
    }

    private void Sort()
    {
        new Span<int>(counts, inputs).Clear();
        for (int b = 0, k = 0; b < rows; b++)
        {
            float* row = input + (nint)b * Arena.Pad(inputs);
            for (; k < ends[b]; k++)
            {
                int i = list[k];
                byFeature[(nint)i * capacity + counts[i]++] = new SparseValue(b, row[i]);
            }
        }
        sorted = true;
    }
}

/// <summary>A feature's value that is not 0, and whose it is.</summary>
internal readonly record struct SparseValue(int Example, float Value);
