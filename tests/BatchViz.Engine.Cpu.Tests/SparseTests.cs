using BatchViz.Core.Data;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Memory;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>Products that leave out inputs of 0 have the bits of those that do not.</summary>
public class SparseTests
{
    [Theory, ClassData(typeof(Paths))]
    public unsafe void LeavingOutZerosChangesNoBit(KernelPath path)
    {
        var kernels = KernelTable.Of(path);
        foreach (var (inputs, rows, columns) in new[] { (64, 2, 16), (100, 7, 48), (784, 33, 128), (300, 128, 144), (70, 16, 272) })
        {
            var set = Sets.Images(rows, inputs);
            Assert.NotNull(SparseSplit.Of(set.Train));
            var arena = new Arena();
            int padded = Arena.Pad(inputs);
            arena.Reserve((long)rows * padded);
            SparseInput.Reserve(inputs, rows, arena);
            foreach (
                long floats in new long[]
                {
                    (long)inputs * columns,
                    columns,
                    (long)rows * columns,
                    (long)inputs * columns,
                    (long)inputs * columns,
                    (long)rows * columns,
                    (long)rows * columns,
                }
            )
                arena.Reserve(floats);
            float* x = arena.Take();
            var sparse = new SparseInput(kernels, inputs, rows, x, arena);
            float* w = arena.Take(),
                start = arena.Take(),
                delta = arena.Take(),
                dense = arena.Take(),
                few = arena.Take(),
                z = arena.Take(),
                fewZ = arena.Take();
            var random = new Random(rows);
            foreach (var (p, n) in new[] { ((nint)w, inputs * columns), ((nint)start, columns), ((nint)delta, rows * columns) })
                for (int i = 0; i < n; i++)
                    ((float*)p)[i] = (float)(2 * random.NextDouble() - 1);
            for (int b = 0; b < rows; b++)
            {
                set.Train.CopyFeatures(b, new Span<float>(x + b * padded, inputs));
                sparse.Add(set.Train, b, b);
            }
            Assert.True(sparse.Active);
            foreach (bool biased in new[] { true, false })
            {
                kernels.MatrixProduct(rows, inputs, columns, x, padded, 1, w, biased ? start : null, z, false);
                sparse.Product(columns, w, biased ? start : null, fewZ);
                Assert.Equal(Vectors.Bits(new(z, rows * columns)), Vectors.Bits(new(fewZ, rows * columns)));
            }
            foreach (bool add in new[] { false, true })
            {
                kernels.MatrixProduct(inputs, rows, columns, x, 1, padded, delta, null, dense, add);
                int half = inputs / 3;
                sparse.Gradient(0, half, columns, delta, few, add);
                sparse.Gradient(half, inputs - half, columns, delta, few + half * columns, add);
                Assert.Equal(Vectors.Bits(new(dense, inputs * columns)), Vectors.Bits(new(few, inputs * columns)));
            }
            arena.Dispose();
        }
    }

    [Fact]
    public void OnlyWhatIsMostlyZeroIsSparse()
    {
        var bytes = Sets.Images(20, 100).Train;
        var sparse = SparseSplit.Of(bytes)!;
        for (int i = 0; i < bytes.Count; i++)
        {
            var features = new float[100];
            bytes.CopyFeatures(i, features);
            Assert.Equal(Enumerable.Range(0, 100).Where(f => features[f] != 0).Select(f => (ushort)f), sparse.Of(i).ToArray());
        }
        // With an offset no byte of 0 is a feature of 0.
        Assert.Null(SparseSplit.Of(bytes with { Offset = -0.5f }));
        Assert.Null(SparseSplit.Of(Sets.Images(20, 49).Train));
        var floats = new DataSplit
        {
            Count = 3,
            Inputs = 64,
            Floats = [.. Enumerable.Range(0, 192).Select(i => i % 4 == 0 ? 1f : 0)],
            Labels = [0, 1, 0],
        };
        Assert.Equal(16, SparseSplit.Of(floats)!.Of(2).Length);
        Assert.Null(SparseSplit.Of(floats with { Floats = [.. Enumerable.Range(0, 192).Select(i => i % 4 == 0 ? 0 : 1f)] }));
    }
}
