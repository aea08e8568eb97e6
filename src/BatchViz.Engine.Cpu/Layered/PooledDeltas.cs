using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using BatchViz.Core.Engines;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Layered;

/// <summary>
/// The gradients of a convolution from one row's deltas behind a max pool: those that are not 0 are listed with the place before the pool
/// that each belongs to, and are multiplied with a whole line of a window at a time. Weights, and their gradients, lie filter by filter
/// here (<see cref="Windows.Turn"/>).
/// </summary>
internal sealed unsafe class PooledDeltas(
    KernelTable kernels,
    Windows windows,
    Tensor input,
    Tensor output,
    TensorShape shape,
    LayerShape layer,
    int pool,
    int poolStride
)
{
    private const int Block = NonZero.Block;

    private readonly int filters = output.Channels,
        taps = pool * pool,
        blocks = output.Width / Block;
    private Listed* byPixel,
        byFilter;
    private int* pixels,
        places,
        starts,
        ends,
        listedPixels,
        groupWeights,
        groupDeltas,
        filterStarts,
        filterEnds,
        filterPlaces,
        bits;
    private ushort* found;
    private float* own,
        sum,
        lanes;
    private int listed;

    /// <summary>Floats from filter to filter.</summary>
    private int Stride => windows.RegisterFloats;

    /// <summary>Of all filters' weights, behind which their biases lie.</summary>
    private long WeightFloats => (long)filters * Stride;

    private int Groups => output.Pixels * taps * blocks;

    public void Reserve(Arena arena)
    {
        int deltas = output.Pixels * filters;
        arena.Reserve(output.Pixels);
        arena.Reserve(taps);
        arena.Reserve(2L * deltas + 2);
        for (int i = 0; i < 3; i++)
            arena.Reserve(filters);
        arena.Reserve(Stride);
        for (int i = 0; i < 2; i++)
            arena.Reserve(WeightFloats + layer.Stride, MemoryUse.Gradients);
        if (!input.NeedsGradient)
            return;
        arena.Reserve(2L * deltas);
        arena.Reserve(deltas + NonZero.Burst);
        for (int i = 0; i < 3; i++)
            arena.Reserve(Groups);
        for (int i = 0; i < 3; i++)
            arena.Reserve(output.Pixels * taps);
    }

    public void Take(Arena arena)
    {
        pixels = (int*)arena.Take();
        places = (int*)arena.Take();
        byFilter = (Listed*)arena.Take();
        filterStarts = (int*)arena.Take();
        filterEnds = (int*)arena.Take();
        filterPlaces = (int*)arena.Take();
        lanes = arena.Take();
        own = arena.Take();
        sum = arena.Take();
        if (input.NeedsGradient)
        {
            byPixel = (Listed*)arena.Take();
            bits = (int*)arena.Take();
            found = (ushort*)arena.Take();
            groupWeights = (int*)arena.Take();
            groupDeltas = (int*)arena.Take();
            starts = (int*)arena.Take();
            ends = (int*)arena.Take();
            listedPixels = (int*)arena.Take();
        }
        if (!arena.Predicting)
            Fill();
    }

    /// <summary>Lists a row's deltas.</summary>
    /// <param name="which">The place in its window that each belongs to.</param>
    public void List(float* delta, float* which)
    {
        ListByFilter(delta, which);
        if (input.NeedsGradient)
            ListByPixel(delta, which);
    }

    /// <summary>Takes over what the gradient holds so far, a layer's.</summary>
    public void Begin(float* gradient)
    {
        windows.Turn(gradient, layer.Stride, filters, sum);
        if (layer.Bias)
            Copy(gradient + (nint)layer.Inputs * layer.Stride, sum + WeightFloats);
    }

    /// <summary>Adds the listed row's gradient; its squared norm.</summary>
    /// <param name="delta">What was listed.</param>
    /// <param name="framed">The row's input.</param>
    /// <param name="biases">Whether the biases' belongs to it.</param>
    public float Add(float* delta, float* framed, bool biases)
    {
        kernels.ListedProducts(
            filters,
            filterStarts,
            filterEnds,
            byFilter,
            windows.Runs,
            windows.RunWidth,
            windows.RunStep,
            framed,
            filterPlaces,
            windows.RunWidth,
            own,
            false
        );
        float square = kernels.AddLanes(filters, Stride, lanes, own, sum);
        if (!biases || !layer.Bias)
            return square;
        kernels.Sum(output.Pixels, output.Width, delta, own + WeightFloats);
        return square + kernels.AddSquare(layer.Stride, own + WeightFloats, sum + WeightFloats);
    }

    /// <summary>Gives back what <see cref="Begin"/> took, and what came to it.</summary>
    public void End(float* gradient)
    {
        windows.Return(sum, filters, gradient, layer.Stride);
        if (layer.Bias)
            Copy(sum + WeightFloats, gradient + (nint)layer.Inputs * layer.Stride);
    }

    /// <summary>Adds the listed row's input gradient to a frame.</summary>
    /// <param name="weights">Filter by filter.</param>
    public void GiveInput(float* weights, float* frame) =>
        kernels.ListedProducts(
            listed,
            starts,
            ends,
            byPixel,
            windows.Runs,
            windows.RunWidth,
            windows.RunWidth,
            weights,
            listedPixels,
            windows.RunStep,
            frame,
            true
        );

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ListByFilter(float* delta, float* which)
    {
        int width = output.Width,
            count = output.Pixels;
        int* pixel = pixels,
            place = places;
        for (int o = 0; o < filters; o++)
        {
            Listed* first = byFilter + filterStarts[o],
                to = first;
            float* d = delta + o,
                w = which + o;
            for (int p = 0; p < count; p++, d += width, w += width)
            {
                // Writing first and counting after needs no branch for each value.
                to->Place = pixel[p] + place[float.ConvertToIntegerNative<int>(*w)];
                to->Value = *d;
                to += (*(int*)d & int.MaxValue) != 0 ? 1 : 0;
            }
            filterEnds[o] = filterStarts[o] + (int)(to - first);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ListByPixel(float* delta, float* which)
    {
        int width = output.Width,
            count = output.Pixels,
            n = 0,
            group = 0;
        uint last = (uint)ushort.MaxValue >> (width - filters);
        listed = 0;
        for (int p = 0; p < count; p++)
        {
            for (int t = 0; t < taps; t++)
            {
                starts[listed] = n;
                listedPixels[listed] = pixels[p] + places[t];
                var tap = Vector512.Create((float)t);
                for (int b = 0; b < blocks; b++)
                {
                    nint at = (nint)p * width + b * Block;
                    uint mask =
                        (uint)Vector512.Equals(Vector512.Load(which + at), tap).ExtractMostSignificantBits() & NonZero.Mask(delta + at);
                    // Padding may hold what is not a number, where a run diverges.
                    if (b == blocks - 1)
                        mask &= last;
                    found[group++] = (ushort)mask;
                    n += BitOperations.PopCount(mask);
                }
                ends[listed] = n;
                listed += n > starts[listed] ? 1 : 0;
            }
        }
        NonZero.Places(group, found, bits);
        int stride = Stride;
        for (int k = 0; k < n; k++)
        {
            int g = bits[k] / Block,
                lane = bits[k] % Block;
            byPixel[k].Place = groupWeights[g] + lane * stride;
            byPixel[k].Value = delta[groupDeltas[g] + lane];
        }
    }

    private void Copy(float* from, float* to) => Buffer.MemoryCopy(from, to, layer.Stride * sizeof(float), layer.Stride * sizeof(float));

    private void Fill()
    {
        for (int y = 0, p = 0; y < output.Shape.Rows; y++)
        for (int x = 0; x < output.Shape.Columns; x++)
            pixels[p++] = windows.Pixels[y * poolStride * shape.Columns + x * poolStride];
        for (int t = 0; t < taps; t++)
            places[t] = windows.Pixels[t / pool * shape.Columns + t % pool];
        for (int o = 0; o < filters; o++)
            (filterStarts[o], filterPlaces[o]) = (o * output.Pixels, o * Stride);
        for (int g = 0; g < Groups && input.NeedsGradient; g++)
            (groupWeights[g], groupDeltas[g]) = (g % blocks * Block * Stride, g / (taps * blocks) * output.Width + g % blocks * Block);
        // Bits of ones where a filter has a weight.
        for (int i = 0; i < windows.Runs * windows.RunWidth; i++)
            lanes[i] = i % windows.RunWidth < windows.RunFloats ? BitConverter.Int32BitsToSingle(-1) : 0;
    }
}
