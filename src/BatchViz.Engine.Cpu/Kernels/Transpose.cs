using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>Transposition, the same on every path: it moves numbers and rounds nothing.</summary>
internal static unsafe class Transpose
{
    /// <summary>
    /// to[j, i] = from[i, j] for i &lt; rows, j &lt; columns; padding of <paramref name="to"/> up to toStride is set to 0.
    /// </summary>
    public static void Run(int rows, int columns, float* from, int fromStride, float* to, int toStride) =>
        Run(rows, columns, from, fromStride, to, toStride, toStride);

    /// <summary>As that, but with padding up to <paramref name="padded"/> columns of <paramref name="to"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int rows, int columns, float* from, int fromStride, float* to, int toStride, int padded)
    {
        int i = 0;
        for (; i + 4 <= rows; i += 4)
        {
            float* source = from + (nint)i * fromStride;
            int j = 0;
            for (; j + 4 <= columns; j += 4)
            {
                var a = Vector128.Load(source + j);
                var b = Vector128.Load(source + fromStride + j);
                var c = Vector128.Load(source + 2 * (nint)fromStride + j);
                var d = Vector128.Load(source + 3 * (nint)fromStride + j);
                float* target = to + (nint)j * toStride + i;
                if (Sse.IsSupported)
                {
                    var (ab, cd, abHigh, cdHigh) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d), Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
                    Sse.MoveLowToHigh(ab, cd).Store(target);
                    Sse.MoveHighToLow(cd, ab).Store(target + toStride);
                    Sse.MoveLowToHigh(abHigh, cdHigh).Store(target + 2 * (nint)toStride);
                    Sse.MoveHighToLow(cdHigh, abHigh).Store(target + 3 * (nint)toStride);
                    continue;
                }
                Vector128.Create(a[0], b[0], c[0], d[0]).Store(target);
                Vector128.Create(a[1], b[1], c[1], d[1]).Store(target + toStride);
                Vector128.Create(a[2], b[2], c[2], d[2]).Store(target + 2 * (nint)toStride);
                Vector128.Create(a[3], b[3], c[3], d[3]).Store(target + 3 * (nint)toStride);
            }
            for (; j < columns; j++)
            {
                for (int k = 0; k < 4; k++)
                    to[(nint)j * toStride + i + k] = source[(nint)k * fromStride + j];
            }
        }
        for (; i < padded; i++)
        {
            for (int j = 0; j < columns; j++)
                to[(nint)j * toStride + i] = i < rows ? from[(nint)i * fromStride + j] : 0;
        }
    }
}
