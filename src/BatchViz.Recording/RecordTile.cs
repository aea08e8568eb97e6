using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BatchViz.Recording;

/// <summary>
/// Takes four columns at a time out of records that lie row by row, four rows at a time: the columns' values, and the buckets of the
/// four, come out of two transpositions, so that recording costs little beside the smallest update.
/// </summary>
internal static class RecordTile
{
    /// <summary>Rows and columns of a step.</summary>
    public const int Size = 4;

    /// <summary>
    /// Brings columns <paramref name="first"/> … of <paramref name="groups"/> times four rows to the places of their column logs.
    /// </summary>
    /// <param name="records">Rows of <paramref name="width"/> floats; the first is the first row wanted.</param>
    /// <param name="columns">The logs of these columns, at most four, each with room for the rows.</param>
    public static void Take(ReadOnlySpan<float> records, int width, int first, int groups, ReadOnlySpan<ColumnLog> columns)
    {
        ref float start = ref MemoryMarshal.GetReference(records);
        // Beyond the last column a load reads on into the next row, which the last row of all does not have.
        int safe = (records.Length - first - Size) / width;
        Targets a = new(columns[0]), b = new(columns[Math.Min(1, columns.Length - 1)]), c = new(columns[Math.Min(2, columns.Length - 1)]), d = new(columns[^1]);
        for (int g = 0; g < groups; g++)
        {
            int row = Size * g;
            nuint at = (nuint)(row * width + first);
            var r0 = Vector128.LoadUnsafe(ref start, at);
            var r1 = Vector128.LoadUnsafe(ref start, at + (nuint)width);
            var r2 = Vector128.LoadUnsafe(ref start, at + 2 * (nuint)width);
            var r3 = row + 3 <= safe ? Vector128.LoadUnsafe(ref start, at + 3 * (nuint)width) : Last(records[(int)(at + 3 * (nuint)width)..]);
            var (min, max, bad) = Extremes(r0, r1, r2, r3);
            var (v0, v1, v2, v3) = Transpose(r0, r1, r2, r3);
            var (b0, b1, b2, b3) = Transpose(min, max, r3, bad);
            // At the end there may be fewer than four columns; what else was loaded belongs to none.
            if (columns.Length == Size) d.Put(g, v3, b3);
            if (columns.Length > 2) c.Put(g, v2, b2);
            if (columns.Length > 1) b.Put(g, v1, b1);
            a.Put(g, v0, b0);
        }
    }

    /// <summary>Least and largest finite of four, not a number where there is none, and how many are not finite, as an integer's bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float> Min, Vector128<float> Max, Vector128<float> Bad) Extremes(Vector128<float> r0, Vector128<float> r1, Vector128<float> r2, Vector128<float> r3)
    {
        var sum = (r0 + r1 + r2 + r3) * Vector128<float>.Zero;
        // Finite rows whose sum overflows go the longer way too.
        if (Vector128.EqualsAll(sum, Vector128<float>.Zero))
            return (Vector128.MinNative(Vector128.MinNative(r0, r1), Vector128.MinNative(r2, r3)), Vector128.MaxNative(Vector128.MaxNative(r0, r1), Vector128.MaxNative(r2, r3)), Vector128<float>.Zero);
        Vector128<float> high = Vector128.Create(float.PositiveInfinity), low = Vector128.Create(float.NegativeInfinity);
        Vector128<float> f0 = Finite(r0), f1 = Finite(r1), f2 = Finite(r2), f3 = Finite(r3);
        var min = Vector128.MinNative(Vector128.MinNative(Pick(f0, r0, high), Pick(f1, r1, high)), Vector128.MinNative(Pick(f2, r2, high), Pick(f3, r3, high)));
        var max = Vector128.MaxNative(Vector128.MaxNative(Pick(f0, r0, low), Pick(f1, r1, low)), Vector128.MaxNative(Pick(f2, r2, low), Pick(f3, r3, low)));
        // A mask that is set is −1.
        var bad = Vector128.Create(Size) + f0.AsInt32() + f1.AsInt32() + f2.AsInt32() + f3.AsInt32();
        var none = Vector128.Equals(bad, Vector128.Create(Size)).AsSingle();
        var nan = Vector128.Create(float.NaN);
        return (Pick(none, nan, min), Pick(none, nan, max), bad.AsSingle());
    }

    private static Vector128<float> Finite(Vector128<float> v) => Vector128.Equals(v * Vector128<float>.Zero, Vector128<float>.Zero);

    private static Vector128<float> Pick(Vector128<float> mask, Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(mask, a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>) Transpose(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ab0 = Low(a, b), ab1 = High(a, b), cd0 = Low(c, d), cd1 = High(c, d);
        return (Pairs(ab0.GetLower(), cd0.GetLower()), Pairs(ab0.GetUpper(), cd0.GetUpper()), Pairs(ab1.GetLower(), cd1.GetLower()), Pairs(ab1.GetUpper(), cd1.GetUpper()));
    }

    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b)
        => System.Runtime.Intrinsics.X86.Sse.IsSupported ? System.Runtime.Intrinsics.X86.Sse.UnpackLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);

    private static Vector128<float> High(Vector128<float> a, Vector128<float> b)
        => System.Runtime.Intrinsics.X86.Sse.IsSupported ? System.Runtime.Intrinsics.X86.Sse.UnpackHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);

    private static Vector128<float> Pairs(Vector64<float> a, Vector64<float> b) => Vector128.Create(a, b);

    private static Vector128<float> Last(ReadOnlySpan<float> rest)
    {
        Span<float> four = stackalloc float[Size];
        four.Clear();
        rest[..Math.Min(Size, rest.Length)].CopyTo(four);
        return Vector128.Create<float>(four);
    }

    /// <summary>Where a column's next values and buckets go.</summary>
    private readonly ref struct Targets(ColumnLog column)
    {
        private readonly Span<Vector128<float>> values = MemoryMarshal.Cast<float, Vector128<float>>(column.NextValues);
        private readonly Span<Vector128<float>> buckets = MemoryMarshal.Cast<Bucket, Vector128<float>>(column.NextBuckets);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Put(int group, Vector128<float> four, Vector128<float> bucket)
        {
            values[group] = four;
            buckets[group] = bucket;
        }
    }
}
