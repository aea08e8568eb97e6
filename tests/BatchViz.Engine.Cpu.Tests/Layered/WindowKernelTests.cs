using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Tests.Layered;

/// <summary>Kernels of convolutions that leave something out, against plain sums in the same order, to the last bit.</summary>
public unsafe class WindowKernelTests
{
    /// <summary>Images with empty lines, narrower and wider than a tile.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void Lines_without_ink_change_no_bit(KernelPath path)
    {
        var kernels = KernelTable.Of(path);
        var random = new Random(3);
        foreach (
            var (lines, pixels, kernel, filters) in new[]
            {
                (5, 20, 3, 6),
                (4, 8, 5, 17),
                (6, 7, 2, 3),
                (3, 13, 10, 16),
                (1, 1, 1, 1),
                (9, 28, 5, 8),
            }
        )
        {
            int wide = pixels + kernel - 1,
                columns = Arena.Pad(filters),
                cRow = columns + 16;
            using var room = new Room();
            float* a = room.Take((lines + kernel) * wide + 16, _ => random.Next(6) > 0 ? 0 : random.NextSingle() - 0.5f);
            float* b = room.Take(kernel * kernel * columns, i => i % columns < filters ? random.NextSingle() - 0.5f : 0),
                start = room.Take(columns, i => i < filters ? random.NextSingle() : 0);
            float* c = room.Take(lines * pixels * cRow, _ => 7),
                dense = room.Take(lines * pixels * cRow, _ => 7);
            byte* used = (byte*)room.Take((lines + kernel) * pixels, _ => 0);
            int* rows = (int*)room.Take(lines * pixels, _ => 0),
                steps = (int*)room.Take(kernel * kernel, _ => 0);
            for (int r = 0; r < lines * pixels; r++)
                rows[r] = r / pixels * wide + r % pixels;
            for (int d = 0; d < kernel * kernel; d++)
                steps[d] = d / kernel * wide + d % kernel;
            foreach (var first in new[] { (nint)start, 0 })
            {
                kernels.LineProduct(lines, pixels, kernel, wide, a, columns, filters, b, (float*)first, c, cRow, used);
                kernels.WindowProduct(
                    lines * pixels,
                    kernel * kernel,
                    columns,
                    filters,
                    a,
                    rows,
                    steps,
                    b,
                    (float*)first,
                    dense,
                    cRow,
                    false
                );
                Assert.Equal(
                    Vectors.Bits(new Span<float>(dense, lines * pixels * cRow).ToArray()),
                    Vectors.Bits(new Span<float>(c, lines * pixels * cRow).ToArray())
                );
            }
        }
    }

    /// <summary>All shapes of blocks: runs of 1, 3, 5 and what is left, one register and two and more.</summary>
    [Theory, ClassData(typeof(Paths))]
    public void Listed_products_are_plain_sums(KernelPath path)
    {
        var kernels = KernelTable.Of(path);
        var random = new Random(4);
        foreach (int runs in new[] { 1, 2, 3, 5, 7, 9 })
        {
            foreach (int registers in new[] { 1, 2, 3, 4 })
            {
                foreach (bool add in new[] { false, true })
                {
                    int width = registers * kernels.WindowLanes,
                        xStep = width + 3,
                        cStep = width + 5;
                    using var room = new Room();
                    float* x = room.Take(runs * xStep + 100, _ => random.NextSingle() - 0.5f),
                        c = room.Take(3 * runs * cStep, _ => random.NextSingle());
                    int* starts = (int*)room.Take(3, _ => 0),
                        ends = (int*)room.Take(3, _ => 0),
                        places = (int*)room.Take(3, _ => 0);
                    Listed* list = (Listed*)room.Take(40, _ => 0);
                    for (int k = 0; k < 20; k++)
                        list[k] = new Listed { Place = random.Next(100), Value = random.NextSingle() - 0.5f };
                    (starts[0], ends[0], starts[1], ends[1], starts[2], ends[2]) = (0, 7, 9, 9, 8, 20);
                    for (int r = 0; r < 3; r++)
                        places[r] = r * runs * cStep;
                    float[] expected = new Span<float>(c, 3 * runs * cStep).ToArray();
                    for (int r = 0; r < 3; r++)
                    {
                        for (int i = 0; i < runs * width; i++)
                        {
                            float sum = 0;
                            int u = i / width,
                                j = i % width;
                            for (int k = starts[r]; k < ends[r]; k++)
                            {
                                float from = x[list[k].Place + u * xStep + j];
                                sum =
                                    path == KernelPath.Portable
                                        ? list[k].Value * from + sum
                                        : MathF.FusedMultiplyAdd(list[k].Value, from, sum);
                            }
                            int to = places[r] + u * cStep + j;
                            expected[to] = add ? expected[to] + sum : sum;
                        }
                    }
                    kernels.ListedProducts(3, starts, ends, list, runs, width, xStep, x, places, cStep, c, add);
                    Assert.Equal(Vectors.Bits(expected), Vectors.Bits(new Span<float>(c, expected.Length).ToArray()));
                }
            }
        }
    }

    /// <summary>Blocks of eight, of four and what is left of both; what lies behind the padding stays.</summary>
    [Fact]
    public void Transposed_matrices_hold_what_they_held()
    {
        foreach (int rows in new[] { 1, 4, 7, 8, 13, 20, 24 })
        {
            foreach (int columns in new[] { 1, 3, 4, 8, 11, 14, 16, 21 })
            {
                int fromStride = columns + 2,
                    toStride = rows + 6,
                    padded = rows + 4;
                using var room = new Room();
                float* from = room.Take(rows * fromStride, i => i),
                    to = room.Take(columns * toStride, _ => -1);
                Transpose.Run(rows, columns, from, fromStride, to, toStride, padded);
                for (int i = 0; i < columns * toStride; i++)
                {
                    int column = i / toStride,
                        row = i % toStride;
                    Assert.Equal(
                        row < rows ? row * fromStride + column
                            : row < padded ? 0
                            : -1,
                        to[i]
                    );
                }
            }
        }
    }

    [Fact]
    public void Places_of_what_is_not_zero_are_found_in_order()
    {
        var random = new Random(5);
        foreach (int blocks in new[] { 1, 3, 4, 9 })
        {
            using var room = new Room();
            float* p = room.Take(
                blocks * NonZero.Block,
                _ =>
                    random.Next(blocks) == 0 ? (random.Next(2) == 0 ? float.NaN : -1e-40f)
                    : random.Next(2) == 0 ? 0f
                    : -0f
            );
            ushort* masks = (ushort*)room.Take(blocks + 4, _ => 0);
            int* places = (int*)room.Take(blocks * NonZero.Block + NonZero.Burst, _ => 0);
            for (int m = 0; m < blocks; m++)
                masks[m] = (ushort)NonZero.Mask(p + m * NonZero.Block);
            int count = NonZero.Places(blocks, masks, places);
            Assert.Equal([.. Enumerable.Range(0, blocks * NonZero.Block).Where(i => p[i] != 0)], new Span<int>(places, count).ToArray());
        }
    }

    /// <summary>Aligned memory that goes all at once.</summary>
    private sealed class Room : IDisposable
    {
        private readonly List<NativeBuffer> buffers = [];

        public float* Take(int floats, Func<int, float> value)
        {
            buffers.Add(new NativeBuffer(floats));
            for (int i = 0; i < floats; i++)
                buffers[^1].Pointer[i] = value(i);
            return buffers[^1].Pointer;
        }

        public void Dispose()
        {
            foreach (var buffer in buffers)
                buffer.Dispose();
        }
    }
}
