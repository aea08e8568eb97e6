using System.Runtime.Intrinsics;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// The operations on one register of floats that kernels are written in; one implementation per kernel path. The compiler
/// specialises every kernel for each, so a call here is one instruction or a few.
/// </summary>
/// <typeparam name="V">The register's type.</typeparam>
internal unsafe interface ILanes<V>
    where V : struct
{
    /// <summary>Floats in a register: 4, 8 or 16.</summary>
    static abstract int Width { get; }

    /// <summary>Rows of the matrix kernels' tiles (two registers wide): what the register file holds.</summary>
    static abstract int TileRows { get; }

    static abstract V Zero { get; }
    static abstract V Set(float value);
    static abstract V Load(float* p);
    static abstract void Store(float* p, V v);

    /// <summary>The next <see cref="Width"/> bytes as floats, exactly.</summary>
    static abstract V LoadBytes(byte* p);

    static abstract V Add(V a, V b);
    static abstract V Sub(V a, V b);
    static abstract V Mul(V a, V b);
    static abstract V Div(V a, V b);

    /// <summary>a·b + c: rounded once where the path has fused multiply-add, else twice.</summary>
    static abstract V MulAdd(V a, V b, V c);

    /// <summary>The smaller; <paramref name="b"/> where it is NaN.</summary>
    static abstract V Min(V a, V b);

    /// <summary>The larger; <paramref name="b"/> where it is NaN.</summary>
    static abstract V Max(V a, V b);

    static abstract V Abs(V a);
    static abstract V Sqrt(V a);

    /// <summary>Bits of <paramref name="sign"/>'s sign on <paramref name="magnitude"/> ≥ 0.</summary>
    static abstract V WithSign(V magnitude, V sign);

    /// <summary>All bits set where a &lt; b; none where either is NaN.</summary>
    static abstract V Less(V a, V b);

    /// <summary>All bits set where a = b.</summary>
    static abstract V Same(V a, V b);

    /// <summary>Bitwise: <paramref name="a"/> where the mask is set, else <paramref name="b"/>.</summary>
    static abstract V Select(V mask, V a, V b);

    /// <summary>A mask of the lanes before <paramref name="count"/>.</summary>
    static abstract V FirstLanes(int count);

    /// <summary>2ⁿ⁺ᵇⁱᵃˢ⁻¹²⁷ for t = n + 1.5·2²³ with integer n; the exponent n + bias must lie in 1 … 254.</summary>
    static abstract V PowerOfTwo(V t, int bias);

    /// <summary>Splits a normal a &gt; 0 into m·2ᵉ with √½ ≤ m &lt; √2; returns m.</summary>
    static abstract V SplitExponent(V a, out V exponent);

    /// <summary>Bitwise and with the same bits in every lane.</summary>
    static abstract V And(V a, int bits);

    /// <summary>Lanes as 32-bit integers: sums, logical shifts to the right, and the sum over the lanes.</summary>
    static abstract V AddInts(V a, V b);

    /// <summary>Lane by lane, as signed integers.</summary>
    static abstract V MaxInts(V a, V b);

    /// <summary>The largest of all lanes, as signed integers. A call, so that loops before it keep their vector in a register.</summary>
    static abstract int MaxOfInts(V a);
    static abstract V ShiftRightInts(V a, int by);
    static abstract int SumInts(V a);

    /// <summary>
    /// A one in the n-th of eight four-bit counters, n = (the biased exponent of a − <paramref name="lowest"/>) / 4, from 0 to 7.
    /// </summary>
    static abstract V NibbleOfMagnitude(V a, int lowest);

    /// <summary>to[lane] += v[lane], in double.</summary>
    static abstract void AddToDoubles(double* to, V v);

    /// <summary>Sum over the lanes by halves: ((0+8)+(4+12)+…), always in this order.</summary>
    static abstract float SumOf(V a);

    /// <summary><see cref="SumOf"/> of each.</summary>
    static abstract Vector128<float> SumsOf(V a, V b, V c, V d);

    static abstract float MaxOf(V a);
}
