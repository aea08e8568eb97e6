using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>128-bit registers of any processor; multiply-add rounds twice, so that its bits do not depend on the machine.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector128<float>>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Width => 4;
    public static int TileRows => 4;
    public static Vector128<float> Zero
    {
        [MethodImpl(Inline)]
        get => Vector128<float>.Zero;
    }

    [MethodImpl(Inline)]
    public static Vector128<float> Set(float value) => Vector128.Create(value);

    [MethodImpl(Inline)]
    public static Vector128<float> Load(float* p) => Vector128.Load(p);

    [MethodImpl(Inline)]
    public static void Store(float* p, Vector128<float> v) => v.Store(p);

    [MethodImpl(Inline)]
    public static Vector128<float> LoadBytes(byte* p) => Vector128.ConvertToSingle(Vector128.Create(p[0], p[1], p[2], (int)p[3]));

    [MethodImpl(Inline)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(Inline)]
    public static Vector128<float> Sub(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(Inline)]
    public static Vector128<float> Mul(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(Inline)]
    public static Vector128<float> Div(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(Inline)]
    public static Vector128<float> MulAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => a * b + c;

    [MethodImpl(Inline)]
    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.MinNative(a, b);

    [MethodImpl(Inline)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.MaxNative(a, b);

    [MethodImpl(Inline)]
    public static Vector128<float> Abs(Vector128<float> a) => Vector128.Abs(a);

    [MethodImpl(Inline)]
    public static Vector128<float> Sqrt(Vector128<float> a) => Vector128.Sqrt(a);

    [MethodImpl(Inline)]
    public static Vector128<float> WithSign(Vector128<float> magnitude, Vector128<float> sign) =>
        magnitude | (sign & Vector128.Create(-0f));

    [MethodImpl(Inline)]
    public static Vector128<float> Less(Vector128<float> a, Vector128<float> b) => Vector128.LessThan(a, b);

    [MethodImpl(Inline)]
    public static Vector128<float> Same(Vector128<float> a, Vector128<float> b) => Vector128.Equals(a, b);

    [MethodImpl(Inline)]
    public static Vector128<float> Select(Vector128<float> mask, Vector128<float> a, Vector128<float> b) =>
        Vector128.ConditionalSelect(mask, a, b);

    [MethodImpl(Inline)]
    public static Vector128<float> FirstLanes(int count) => Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> PowerOfTwo(Vector128<float> t, int bias) =>
        Vector128.ShiftLeft(t.AsInt32() + Vector128.Create(bias), 23).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> SplitExponent(Vector128<float> a, out Vector128<float> exponent)
    {
        const int SqrtHalf = 0x3f3504f3;
        var e = Vector128.ShiftRightArithmetic(a.AsInt32() - Vector128.Create(SqrtHalf), 23);
        exponent = Vector128.ConvertToSingle(e);
        return (a.AsInt32() - Vector128.ShiftLeft(e, 23)).AsSingle();
    }

    [MethodImpl(Inline)]
    public static Vector128<float> And(Vector128<float> a, int bits) => (a.AsInt32() & Vector128.Create(bits)).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> AddInts(Vector128<float> a, Vector128<float> b) => (a.AsInt32() + b.AsInt32()).AsSingle();

    [MethodImpl(Inline)]
    public static Vector128<float> MaxInts(Vector128<float> a, Vector128<float> b) => Vector128.Max(a.AsInt32(), b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int MaxOfInts(Vector128<float> a)
    {
        var half = Vector128.Max(a.AsInt32(), Vector128.Shuffle(a.AsInt32(), Vector128.Create(2, 3, 0, 1)));
        return Math.Max(half[0], half[1]);
    }

    [MethodImpl(Inline)]
    public static Vector128<float> ShiftRightInts(Vector128<float> a, int by) => Vector128.ShiftRightLogical(a.AsInt32(), by).AsSingle();

    [MethodImpl(Inline)]
    public static int SumInts(Vector128<float> a) => Vector128.Sum(a.AsInt32());

    [MethodImpl(Inline)]
    public static Vector128<float> NibbleOfMagnitude(Vector128<float> a, int lowest)
    {
        var exponent = Vector128.ShiftRightLogical(a.AsInt32() & Vector128.Create(int.MaxValue), 23) - Vector128.Create(lowest);
        var at = Vector128.MinNative(Vector128.MaxNative(exponent, Vector128<int>.Zero), Vector128.Create(31)) & Vector128.Create(28);
        return Vector128.ConvertToInt32(Vector128.ShiftLeft(at + Vector128.Create(127), 23).AsSingle()).AsSingle();
    }

    [MethodImpl(Inline)]
    public static void AddToDoubles(double* to, Vector128<float> v)
    {
        var (lower, upper) = Vector128.Widen(v);
        (Vector128.Load(to) + lower).Store(to);
        (Vector128.Load(to + 2) + upper).Store(to + 2);
    }

    [MethodImpl(Inline)]
    public static float SumOf(Vector128<float> a) => (a.GetElement(0) + a.GetElement(2)) + (a.GetElement(1) + a.GetElement(3));

    [MethodImpl(Inline)]
    public static Vector128<float> SumsOf(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        if (!Sse.IsSupported)
            return Vector128.Create(SumOf(a), SumOf(b), SumOf(c), SumOf(d));
        var ac0 = Sse.UnpackLow(a, c);
        var ac1 = Sse.UnpackHigh(a, c);
        var bd0 = Sse.UnpackLow(b, d);
        var bd1 = Sse.UnpackHigh(b, d);
        // Elements (0 + 2) of a and c, then (1 + 3); likewise of b and d.
        var ac = ac0 + ac1;
        var bd = bd0 + bd1;
        return Sse.UnpackLow(ac, bd) + Sse.UnpackHigh(ac, bd);
    }

    [MethodImpl(Inline)]
    public static float MaxOf(Vector128<float> a) =>
        Math.Max(Math.Max(a.GetElement(0), a.GetElement(2)), Math.Max(a.GetElement(1), a.GetElement(3)));
}
