using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>Where values are not 0, the same on every path.</summary>
internal static unsafe class NonZero
{
    /// <summary>Places that are written at once, perhaps more of them than there are: sparing a branch for each is worth it.</summary>
    public const int Burst = 8;

    /// <summary>Floats that one mask is about.</summary>
    public const int Block = 16;

    /// <summary>A bit for each of sixteen values: whether it is not 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Mask(float* p) =>
        ~(uint)Vector512.Equals(Vector512.Load(p), Vector512<float>.Zero).ExtractMostSignificantBits() & ushort.MaxValue;

    /// <summary>The places of the bits that are set, from first to last; how many.</summary>
    /// <param name="masks">[count], zeros behind them up to a multiple of 4.</param>
    /// <param name="places">Takes <see cref="Burst"/> more than there are.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Places(int count, ushort* masks, int* places)
    {
        int* to = places;
        for (int m = 0; m < count; m += 4)
        {
            ulong bits = *(ulong*)(masks + m);
            int many = BitOperations.PopCount(bits),
                first = m * Block;
            for (int* at = to; at < to + many; at += Burst)
            {
                for (int i = 0; i < Burst; i++, bits &= bits - 1)
                    at[i] = first + BitOperations.TrailingZeroCount(bits);
            }
            to += many;
        }
        return (int)(to - places);
    }
}
