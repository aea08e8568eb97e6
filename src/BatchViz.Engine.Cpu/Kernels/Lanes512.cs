using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>512-bit registers with fused multiply-add; on a processor without them in pairs of 256 bits, with the same bits.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 16;
    public static int TileRows => 8;
    public static Vector512<float> Zero
    {
        [MethodImpl(Inline)]
        get => Vector512<float>.Zero;
    }

    [MethodImpl(Inline)]
    public static Vector512<float> Set(float value) => Vector512.Create(value);

    [MethodImpl(Inline)]
    public static Vector512<float> Load(float* p) => Vector512.Load(p);

    [MethodImpl(Inline)]
    public static void Store(float* p, Vector512<float> v) => v.Store(p);

    [MethodImpl(Inline)]
    public static Vector512<float> LoadBytes(byte* p) =>
        Avx512F.IsSupported
            ? Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(p)))
            : Vector512.Create(Lanes256.LoadBytes(p), Lanes256.LoadBytes(p + 8));

    [MethodImpl(Inline)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector512<float> Sub(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector512<float> Mul(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector512<float> Div(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(Inline)]
    public static Vector512<float> MulAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(Inline)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Vector512.MinNative(a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> Abs(Vector512<float> a) => Vector512.Abs(a);

    [MethodImpl(Inline)]
    public static Vector512<float> Sqrt(Vector512<float> a) => Vector512.Sqrt(a);

    [MethodImpl(Inline)]
    public static Vector512<float> WithSign(Vector512<float> magnitude, Vector512<float> sign) =>
        magnitude | (sign & Vector512.Create(-0f));

    [MethodImpl(Inline)]
    public static Vector512<float> Less(Vector512<float> a, Vector512<float> b) => Vector512.LessThan(a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> Same(Vector512<float> a, Vector512<float> b) => Vector512.Equals(a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> Select(Vector512<float> mask, Vector512<float> a, Vector512<float> b) =>
        Vector512.ConditionalSelect(mask, a, b);

    [MethodImpl(Inline)]
    public static Vector512<float> FirstLanes(int count) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> PowerOfTwo(Vector512<float> t, int bias) =>
        Vector512.ShiftLeft(t.AsInt32() + Vector512.Create(bias), 23).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> SplitExponent(Vector512<float> a, out Vector512<float> exponent)
    {
        const int SqrtHalf = 0x3f3504f3;
        var e = Vector512.ShiftRightArithmetic(a.AsInt32() - Vector512.Create(SqrtHalf), 23);
        exponent = Vector512.ConvertToSingle(e);
        return (a.AsInt32() - Vector512.ShiftLeft(e, 23)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static Vector512<float> And(Vector512<float> a, int bits) => (a.AsInt32() & Vector512.Create(bits)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> AddInts(Vector512<float> a, Vector512<float> b) => (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(Inline)]
    public static Vector512<float> MaxInts(Vector512<float> a, Vector512<float> b) => Vector512.Max(a.AsInt32(), b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int MaxOfInts(Vector512<float> a) =>
        Lanes256.MaxOfInts(Vector256.Max(a.GetLower().AsInt32(), a.GetUpper().AsInt32()).AsSingle());

    [MethodImpl(Inline)]
    public static Vector512<float> ShiftRightInts(Vector512<float> a, int by) => Vector512.ShiftRightLogical(a.AsInt32(), by).AsSingle();

    [MethodImpl(Inline)]
    public static int SumInts(Vector512<float> a) => Vector512.Sum(a.AsInt32());

    [MethodImpl(Inline)]
    public static Vector512<float> NibbleOfMagnitude(Vector512<float> a, int lowest)
    {
        if (!Avx512F.IsSupported)
            return Vector512.Create(Lanes256.NibbleOfMagnitude(a.GetLower(), lowest), Lanes256.NibbleOfMagnitude(a.GetUpper(), lowest));
        var exponent = Vector512.ShiftRightLogical(a.AsInt32() & Vector512.Create(int.MaxValue), 23) - Vector512.Create(lowest);
        var at = Vector512.MinNative(Vector512.MaxNative(exponent, Vector512<int>.Zero), Vector512.Create(31)) & Vector512.Create(28);
        return Avx512F.ShiftLeftLogicalVariable(Vector512<int>.One, at.AsUInt32()).AsSingle();
    }

    [MethodImpl(Inline)]
    public static void AddToDoubles(double* to, Vector512<float> v)
    {
        var (lower, upper) = Vector512.Widen(v);
        (Vector512.Load(to) + lower).Store(to);
        (Vector512.Load(to + 8) + upper).Store(to + 8);
    }

    [MethodImpl(Inline)]
    public static float SumOf(Vector512<float> a) => Lanes256.SumOf(a.GetLower() + a.GetUpper());

    [MethodImpl(Inline)]
    public static Vector128<float> SumsOf(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d) =>
        Lanes256.SumsOf(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());

    [MethodImpl(Inline)]
    public static float MaxOf(Vector512<float> a) => Lanes256.MaxOf(Vector256.MaxNative(a.GetLower(), a.GetUpper()));
}
