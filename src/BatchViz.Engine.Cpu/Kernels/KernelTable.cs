using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>
/// All the arithmetic of the engine, for one kernel path. What each member does is said where it is written, in the class named in
/// <see cref="KernelTable{L, V}"/>; strides, and counts of whole rows, are multiples of <see cref="WeightLayout.Lanes"/> floats.
/// </summary>
internal abstract unsafe class KernelTable
{
    private static readonly KernelTable?[] Tables =
    [
        new KernelTable<Lanes128, Vector128<float>>(),
        Avx2.IsSupported && Fma.IsSupported ? new KernelTable<Lanes256, Vector256<float>>() : null,
        Avx2.IsSupported && Fma.IsSupported ? new KernelTable<Lanes512, Vector512<float>>() : null,
    ];

    /// <summary>The paths this processor can run at their full width, slowest first.</summary>
    public static IReadOnlyList<KernelPath> Available { get; } = [.. Enum.GetValues<KernelPath>().Where(IsAvailable)];

    /// <summary>For tests: whether <see cref="Of"/> gives the path of 512 bits also where it has to work in halves.</summary>
    public static bool InHalves { get; set; }

    /// <exception cref="PlatformNotSupportedException">This processor cannot run that path.</exception>
    public static KernelTable Of(KernelPath path) =>
        Tables[(int)path] is { } table && (InHalves || IsAvailable(path))
            ? table
            : throw new PlatformNotSupportedException($"this processor has no {path}");

    private static bool IsAvailable(KernelPath path) =>
        Tables[(int)path] is not null && (path != KernelPath.Avx512 || (Avx512F.IsSupported && Vector512.IsHardwareAccelerated));

    public abstract void MatrixProduct(
        int rows,
        int depth,
        int columns,
        float* a,
        nint aRow,
        nint aStep,
        float* b,
        float* start,
        float* c,
        bool add
    );

    public abstract void SparseProduct(
        int rows,
        int* ends,
        ushort* list,
        int columns,
        float* x,
        nint xRow,
        float* w,
        float* start,
        float* z
    );

    public abstract void SparseGradient(
        int inputs,
        int* counts,
        SparseValue* list,
        nint capacity,
        int columns,
        float* delta,
        float* g,
        bool add
    );

    public abstract void ListedRows(int listed, int* list, int columns, float* x, float* w, float* bias, float* z);

    public abstract double AddListedOuter(
        int listed,
        int* list,
        int columns,
        float scale,
        float* x,
        float* delta,
        float* w,
        ref GradientSummary summary
    );

    public abstract void RowsTimesDelta(int rows, int padded, int columns, float* w, float* delta, float* back);

    public abstract double SumSquares(long count, float* p);

    public abstract void SummarizeGradient(int ranges, long* floats, float* g, double* squares, ref GradientSummary to);

    public abstract void RowSquares(int rows, int columns, int stride, float* p, float* squares);

    public abstract void AddProducts(int count, float bias, float* inputs, float* deltas, float* to);

    public abstract void Norms(int count, float scale, float* squares, float* norms);

    public abstract void Combine(long count, float* a, float x, float* b, float y, float* c, float* to);

    public abstract void FromBytes(int count, byte* bytes, float scale, float offset, float* to);

    public abstract void Activate(Activation kind, long count, float* z, float* slope);

    public abstract void ActivationBackward(Activation kind, long count, float* delta, float* a, float* slope);

    public abstract void ActivationSecondDerivative(Activation kind, long count, float* delta, float* a, float* bend);

    public abstract void AddProduct(long count, float* a, float* b, float* to);

    public abstract void Multiply(long count, float* curve, float* r);

    public abstract void Scale(long count, float factor, float* p);

    public abstract void Softmax(int rows, int classes, int stride, float* z, float* p);

    public abstract void CrossEntropyCurvature(int rows, int classes, int stride, float* p, float* r);

    public abstract void LogisticCurvature(int rows, int stride, float* z, float* spare, float* curve);

    public abstract void CrossEntropy(
        int rows,
        int classes,
        int stride,
        float* z,
        int* labels,
        float* losses,
        float* spare,
        float* delta,
        float scale
    );

    public abstract void Logistic(int rows, int stride, float* z, float* signs, float* losses, float* spare, float* delta, float scale);

    public abstract void Squared(int rows, int outputs, int stride, float* a, float* targets, float* losses, float* delta, float scale);

    public abstract double Step(long count, float* w, float* g, float* first, float* second, in StepConstants constants, out double norm);

    /// <param name="valid">Columns that hold anything; the padding of C stays as it is.</param>
    public abstract void WindowProduct(
        int rows,
        int depth,
        int columns,
        int valid,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* b,
        float* start,
        float* c,
        nint cRow,
        bool add
    );

    public abstract void ChannelProduct(
        int rows,
        int depth,
        int columns,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* b,
        float* start,
        float* c,
        bool add
    );

    public abstract void MaxPoolForward(
        int rows,
        int depth,
        int columns,
        int valid,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* c,
        float* which
    );

    public abstract void TakeLargest(
        int rows,
        int depth,
        int columns,
        int valid,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* which,
        float* c
    );

    public abstract void MaxPoolBackward(
        int rows,
        int depth,
        int columns,
        float* delta,
        float* which,
        int* rowOffsets,
        int* depthOffsets,
        float* back,
        bool add
    );

    /// <summary>
    /// Floats of the registers that windows are cut into, at most half of the widest: less of them is empty, and fewer lie across two lines
    /// of the cache.
    /// </summary>
    public abstract int WindowLanes { get; }

    public abstract void Col2Im(int rows, int registers, float* windows, nint stride, int* rowOffsets, int* places, float* back);

    public abstract void ListedProducts(
        int rows,
        int* starts,
        int* ends,
        Listed* list,
        int runs,
        int width,
        nint xStep,
        float* x,
        int* rowPlaces,
        nint cStep,
        float* c,
        bool add
    );

    public abstract void Pack(int pixels, int channels, int stride, float* from, float* to);

    public abstract void Unpack(int pixels, int channels, int stride, float* from, float* to, bool add);

    public abstract void GiveChannels(
        int rows,
        int taps,
        int columns,
        float* delta,
        int* rowOffsets,
        int* tapOffsets,
        float* w,
        float* back
    );

    public abstract void ConvWeightGradient(
        int listed,
        int* list,
        int* places,
        int count,
        int* taps,
        int columns,
        int valid,
        float* x,
        float* delta,
        float* g,
        bool add
    );

    public abstract void LineProduct(
        int lines,
        int pixels,
        int kernel,
        int wide,
        float* a,
        int columns,
        int valid,
        float* b,
        float* start,
        float* c,
        nint cRow,
        byte* used
    );

    public abstract void Means(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* c);

    public abstract void GiveMeans(int rows, int depth, int columns, float* delta, int* rowOffsets, int* depthOffsets, float* back);

    public abstract void ColumnSums(int rows, int columns, float* x, double* to);

    public abstract void ColumnSquares(int rows, int columns, float* x, float* mean, double* to);

    public abstract void ColumnProducts(int rows, int columns, float* y, float* x, float* mean, double* to);

    public abstract void Affine(int rows, int columns, float* x, float* mean, float* scale, float* shift, float* to, bool add);

    public abstract float AddSquare(long count, float* g, float* to);

    public abstract void Sum(int rows, int columns, float* x, float* to);

    public abstract float AddLanes(int rows, int columns, float* mask, float* g, float* to);

    public abstract void PairLogistic(int rows, int columns, int stride, float* y, float* losses, float scale);

    /// <summary>eᵃ of one number, as in all of this path.</summary>
    public abstract float Exponential(float a);

    public abstract int LaneBlock { get; }

    public abstract void LaneLayer(int inputs, int outputs, float* w, float* bias, float* x, float* z);

    public abstract void CombineActivate(Activation kind, long count, float* a, float x, float* b, float* to);

    public abstract float LaneCrossEntropy(int valid, int classes, float* z, float* labels);

    public abstract float LaneLogistic(int valid, float* z, float* labels);

    public abstract float LaneSquared(int valid, int outputs, float* a, float* labels, float* targets);

    /// <summary>Floats in a register.</summary>
    public abstract int Width { get; }

    public abstract void TinyOne(in TinyPlan plan, float* w, float* gradient, float* loss, float* square);

    public abstract void TinyGroup(in TinyPlan plan, float* w, int examples, float scale, float* gradient, float* losses, float* squares);

    public abstract void TinyReduce(in TinyPlan plan, float* lanes, float* gradient);

    public abstract void TinyGradients(in TinyPlan plan, in TinyBatch batch, float* w, int parameters, float* gradient);

    public abstract void TinyExamples(in TinyBatch batch, float whole, in LaneStatistics to);

    public abstract void TinySummarizeGradients(in TinyPlan plan, float* gradient, in LaneStatistics to);

    public abstract void TinyStep(
        in TinyPlan plan,
        float* w,
        float* gradient,
        float* first,
        float* second,
        in StepConstants constants,
        in LaneStatistics to
    );
}
