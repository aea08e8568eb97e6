using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>256-bit registers with fused multiply-add.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 8;
    public static int TileRows => 6;
    public static Vector256<float> Zero
    {
        [MethodImpl(Inline)]
        get => Vector256<float>.Zero;
    }

    [MethodImpl(Inline)]
    public static Vector256<float> Set(float value) => Vector256.Create(value);

    [MethodImpl(Inline)]
    public static Vector256<float> Load(float* p) => Vector256.Load(p);

    [MethodImpl(Inline)]
    public static void Store(float* p, Vector256<float> v) => v.Store(p);

    [MethodImpl(Inline)]
    public static Vector256<float> LoadBytes(byte* p) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(p));

    [MethodImpl(Inline)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector256<float> Sub(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector256<float> Mul(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector256<float> Div(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(Inline)]
    public static Vector256<float> MulAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.MinNative(a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> Abs(Vector256<float> a) => Vector256.Abs(a);

    [MethodImpl(Inline)]
    public static Vector256<float> Sqrt(Vector256<float> a) => Vector256.Sqrt(a);

    [MethodImpl(Inline)]
    public static Vector256<float> WithSign(Vector256<float> magnitude, Vector256<float> sign) =>
        magnitude | (sign & Vector256.Create(-0f));

    [MethodImpl(Inline)]
    public static Vector256<float> Less(Vector256<float> a, Vector256<float> b) => Vector256.LessThan(a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> Same(Vector256<float> a, Vector256<float> b) => Vector256.Equals(a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> Select(Vector256<float> mask, Vector256<float> a, Vector256<float> b) =>
        Vector256.ConditionalSelect(mask, a, b);

    [MethodImpl(Inline)]
    public static Vector256<float> FirstLanes(int count) => Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> PowerOfTwo(Vector256<float> t, int bias) =>
        Vector256.ShiftLeft(t.AsInt32() + Vector256.Create(bias), 23).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> SplitExponent(Vector256<float> a, out Vector256<float> exponent)
    {
        const int SqrtHalf = 0x3f3504f3;
        var e = Vector256.ShiftRightArithmetic(a.AsInt32() - Vector256.Create(SqrtHalf), 23);
        exponent = Vector256.ConvertToSingle(e);
        return (a.AsInt32() - Vector256.ShiftLeft(e, 23)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static Vector256<float> And(Vector256<float> a, int bits) => (a.AsInt32() & Vector256.Create(bits)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> AddInts(Vector256<float> a, Vector256<float> b) => (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(Inline)]
    public static Vector256<float> MaxInts(Vector256<float> a, Vector256<float> b) => Vector256.Max(a.AsInt32(), b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int MaxOfInts(Vector256<float> a) =>
        Lanes128.MaxOfInts(Vector128.Max(a.GetLower().AsInt32(), a.GetUpper().AsInt32()).AsSingle());

    [MethodImpl(Inline)]
    public static Vector256<float> ShiftRightInts(Vector256<float> a, int by) => Vector256.ShiftRightLogical(a.AsInt32(), by).AsSingle();

    [MethodImpl(Inline)]
    public static int SumInts(Vector256<float> a) => Vector256.Sum(a.AsInt32());

    [MethodImpl(Inline)]
    public static Vector256<float> NibbleOfMagnitude(Vector256<float> a, int lowest)
    {
        var exponent = Vector256.ShiftRightLogical(a.AsInt32() & Vector256.Create(int.MaxValue), 23) - Vector256.Create(lowest);
        var at = Vector256.MinNative(Vector256.MaxNative(exponent, Vector256<int>.Zero), Vector256.Create(31)) & Vector256.Create(28);
        return Avx2.ShiftLeftLogicalVariable(Vector256<int>.One, at.AsUInt32()).AsSingle();
    }

    [MethodImpl(Inline)]
    public static void AddToDoubles(double* to, Vector256<float> v)
    {
        var (lower, upper) = Vector256.Widen(v);
        (Vector256.Load(to) + lower).Store(to);
        (Vector256.Load(to + 4) + upper).Store(to + 4);
    }

    [MethodImpl(Inline)]
    public static float SumOf(Vector256<float> a) => Lanes128.SumOf(a.GetLower() + a.GetUpper());

    [MethodImpl(Inline)]
    public static Vector128<float> SumsOf(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) =>
        Lanes128.SumsOf(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());

    [MethodImpl(Inline)]
    public static float MaxOf(Vector256<float> a) => Lanes128.MaxOf(Vector128.MaxNative(a.GetLower(), a.GetUpper()));
}
