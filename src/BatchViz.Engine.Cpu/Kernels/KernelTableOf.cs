using System.Runtime.Intrinsics;
using BatchViz.Core.Specs;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu.Kernels;

/// <summary>The kernels, compiled for one kind of register.</summary>
internal sealed unsafe class KernelTable<L, V> : KernelTable
    where L : struct, ILanes<V>
    where V : struct
{
    public override void MatrixProduct(
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
    ) => MatrixProduct<L, V>.Run(rows, depth, columns, a, aRow, aStep, b, start, c, add);

    public override void SparseProduct(
        int rows,
        int* ends,
        ushort* list,
        int columns,
        float* x,
        nint xRow,
        float* w,
        float* start,
        float* z
    ) => SparseKernels<L, V>.Product(rows, ends, list, columns, x, xRow, w, start, z);

    public override void SparseGradient(
        int inputs,
        int* counts,
        SparseValue* list,
        nint capacity,
        int columns,
        float* delta,
        float* g,
        bool add
    ) => SparseKernels<L, V>.Gradient(inputs, counts, list, capacity, columns, delta, g, add);

    public override void ListedRows(int listed, int* list, int columns, float* x, float* w, float* bias, float* z) =>
        VectorKernels<L, V>.ListedRows(listed, list, columns, x, w, bias, z);

    public override double AddListedOuter(
        int listed,
        int* list,
        int columns,
        float scale,
        float* x,
        float* delta,
        float* w,
        ref GradientSummary summary
    ) => VectorKernels<L, V>.AddListedOuter(listed, list, columns, scale, x, delta, w, ref summary);

    public override void RowsTimesDelta(int rows, int padded, int columns, float* w, float* delta, float* back) =>
        VectorKernels<L, V>.RowsTimesDelta(rows, padded, columns, w, delta, back);

    public override double SumSquares(long count, float* p) => VectorKernels<L, V>.SumSquares(count, p);

    public override void SummarizeGradient(int ranges, long* floats, float* g, double* squares, ref GradientSummary to) =>
        StatisticsKernels<L, V>.SummarizeGradient(ranges, floats, g, squares, ref to);

    public override void RowSquares(int rows, int columns, int stride, float* p, float* squares) =>
        StatisticsKernels<L, V>.RowSquares(rows, columns, stride, p, squares);

    public override void AddProducts(int count, float bias, float* inputs, float* deltas, float* to) =>
        StatisticsKernels<L, V>.AddProducts(count, bias, inputs, deltas, to);

    public override void Norms(int count, float scale, float* squares, float* norms) =>
        StatisticsKernels<L, V>.Norms(count, scale, squares, norms);

    public override void Combine(long count, float* a, float x, float* b, float y, float* c, float* to) =>
        VectorKernels<L, V>.Combine(count, a, x, b, y, c, to);

    public override void FromBytes(int count, byte* bytes, float scale, float offset, float* to) =>
        VectorKernels<L, V>.FromBytes(count, bytes, scale, offset, to);

    public override void Activate(Activation kind, long count, float* z, float* slope) =>
        ActivationKernels<L, V>.Activate(kind, count, z, slope);

    public override void ActivationBackward(Activation kind, long count, float* delta, float* a, float* slope) =>
        ActivationKernels<L, V>.ActivationBackward(kind, count, delta, a, slope);

    public override void ActivationSecondDerivative(Activation kind, long count, float* delta, float* a, float* bend) =>
        CurvatureKernels<L, V>.ActivationSecondDerivative(kind, count, delta, a, bend);

    public override void AddProduct(long count, float* a, float* b, float* to) => CurvatureKernels<L, V>.AddProduct(count, a, b, to);

    public override void Multiply(long count, float* curve, float* r) => CurvatureKernels<L, V>.Multiply(count, curve, r);

    public override void Scale(long count, float factor, float* p) => CurvatureKernels<L, V>.Scale(count, factor, p);

    public override void Softmax(int rows, int classes, int stride, float* z, float* p) =>
        CurvatureKernels<L, V>.Softmax(rows, classes, stride, z, p);

    public override void CrossEntropyCurvature(int rows, int classes, int stride, float* p, float* r) =>
        CurvatureKernels<L, V>.CrossEntropyCurvature(rows, classes, stride, p, r);

    public override void LogisticCurvature(int rows, int stride, float* z, float* spare, float* curve) =>
        CurvatureKernels<L, V>.LogisticCurvature(rows, stride, z, spare, curve);

    public override void CrossEntropy(
        int rows,
        int classes,
        int stride,
        float* z,
        int* labels,
        float* losses,
        float* spare,
        float* delta,
        float scale
    ) => LossKernels<L, V>.CrossEntropy(rows, classes, stride, z, labels, losses, spare, delta, scale);

    public override void Logistic(int rows, int stride, float* z, float* signs, float* losses, float* spare, float* delta, float scale) =>
        LossKernels<L, V>.Logistic(rows, stride, z, signs, losses, spare, delta, scale);

    public override void Squared(int rows, int outputs, int stride, float* a, float* targets, float* losses, float* delta, float scale) =>
        LossKernels<L, V>.Squared(rows, outputs, stride, a, targets, losses, delta, scale);

    public override double Step(long count, float* w, float* g, float* first, float* second, in StepConstants constants, out double norm) =>
        OptimizerKernels<L, V>.Step(count, w, g, first, second, constants, out norm);

    public override void WindowProduct(
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
    )
    {
        if (Halves(valid))
            WindowKernels<Lanes256, Vector256<float>>.Product(rows, depth, columns, 8, a, rowOffsets, depthOffsets, b, start, c, cRow, add);
        else
            WindowKernels<L, V>.Product(rows, depth, columns, Registers(valid), a, rowOffsets, depthOffsets, b, start, c, cRow, add);
    }

    public override void ConvWeightGradient(
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
    )
    {
        if (Halves(valid))
            WindowKernels<Lanes256, Vector256<float>>.ConvWeightGradient(listed, list, places, count, taps, columns, 8, x, delta, g, add);
        else
            WindowKernels<L, V>.ConvWeightGradient(listed, list, places, count, taps, columns, Registers(valid), x, delta, g, add);
    }

    /// <summary>
    /// Half a register's columns go into registers of half the size, of which some processors multiply twice as many at once; the bits are
    /// the same.
    /// </summary>
    private static bool Halves(int valid) => L.Width == 16 && valid <= 8;

    private static int Registers(int valid) => (valid + L.Width - 1) / L.Width * L.Width;

    public override void ChannelProduct(
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
    ) => WindowKernels<L, V>.ChannelProduct(rows, depth, columns, a, rowOffsets, depthOffsets, b, start, c, add);

    public override void MaxPoolForward(
        int rows,
        int depth,
        int columns,
        int valid,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* c,
        float* which
    )
    {
        if (Halves(valid))
            WindowKernels<Lanes256, Vector256<float>>.MaxPoolForward(rows, depth, columns, 8, a, rowOffsets, depthOffsets, c, which);
        else
            WindowKernels<L, V>.MaxPoolForward(rows, depth, columns, Registers(valid), a, rowOffsets, depthOffsets, c, which);
    }

    public override void TakeLargest(
        int rows,
        int depth,
        int columns,
        int valid,
        float* a,
        int* rowOffsets,
        int* depthOffsets,
        float* which,
        float* c
    )
    {
        if (Halves(valid))
            WindowKernels<Lanes256, Vector256<float>>.TakeLargest(rows, depth, columns, 8, a, rowOffsets, depthOffsets, which, c);
        else
            WindowKernels<L, V>.TakeLargest(rows, depth, columns, Registers(valid), a, rowOffsets, depthOffsets, which, c);
    }

    public override void LineProduct(
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
    )
    {
        if (Halves(valid))
            WindowKernels<Lanes256, Vector256<float>>.LineProduct(lines, pixels, kernel, wide, a, columns, 8, b, start, c, cRow, used);
        else
            WindowKernels<L, V>.LineProduct(lines, pixels, kernel, wide, a, columns, Registers(valid), b, start, c, cRow, used);
    }

    public override void MaxPoolBackward(
        int rows,
        int depth,
        int columns,
        float* delta,
        float* which,
        int* rowOffsets,
        int* depthOffsets,
        float* back,
        bool add
    ) => WindowKernels<L, V>.MaxPoolBackward(rows, depth, columns, delta, which, rowOffsets, depthOffsets, back, add);

    public override int WindowLanes => Math.Min(L.Width, Lanes256.Width);

    public override void Col2Im(int rows, int registers, float* windows, nint stride, int* rowOffsets, int* places, float* back)
    {
        if (L.Width > WindowLanes)
            WindowKernels<Lanes256, Vector256<float>>.Col2Im(rows, registers, windows, stride, rowOffsets, places, back);
        else
            WindowKernels<L, V>.Col2Im(rows, registers, windows, stride, rowOffsets, places, back);
    }

    public override void ListedProducts(
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
    )
    {
        // Runs that fill no whole registers fill halves of them.
        if (width % L.Width != 0)
            WindowKernels<Lanes256, Vector256<float>>.ListedProducts(
                rows,
                starts,
                ends,
                list,
                runs,
                width,
                xStep,
                x,
                rowPlaces,
                cStep,
                c,
                add
            );
        else
            WindowKernels<L, V>.ListedProducts(rows, starts, ends, list, runs, width, xStep, x, rowPlaces, cStep, c, add);
    }

    public override void Pack(int pixels, int channels, int stride, float* from, float* to) =>
        WindowKernels<L, V>.Pack(pixels, channels, stride, from, to);

    public override void Unpack(int pixels, int channels, int stride, float* from, float* to, bool add) =>
        WindowKernels<L, V>.Unpack(pixels, channels, stride, from, to, add);

    public override void GiveChannels(
        int rows,
        int taps,
        int columns,
        float* delta,
        int* rowOffsets,
        int* tapOffsets,
        float* w,
        float* back
    ) => WindowKernels<L, V>.GiveChannels(rows, taps, columns, delta, rowOffsets, tapOffsets, w, back);

    public override void Means(int rows, int depth, int columns, float* a, int* rowOffsets, int* depthOffsets, float* c) =>
        WindowKernels<L, V>.Means(rows, depth, columns, a, rowOffsets, depthOffsets, c);

    public override void GiveMeans(int rows, int depth, int columns, float* delta, int* rowOffsets, int* depthOffsets, float* back) =>
        WindowKernels<L, V>.GiveMeans(rows, depth, columns, delta, rowOffsets, depthOffsets, back);

    public override void ColumnSums(int rows, int columns, float* x, double* to) => NormKernels<L, V>.ColumnSums(rows, columns, x, to);

    public override void ColumnSquares(int rows, int columns, float* x, float* mean, double* to) =>
        NormKernels<L, V>.ColumnSquares(rows, columns, x, mean, to);

    public override void ColumnProducts(int rows, int columns, float* y, float* x, float* mean, double* to) =>
        NormKernels<L, V>.ColumnProducts(rows, columns, y, x, mean, to);

    public override void Affine(int rows, int columns, float* x, float* mean, float* scale, float* shift, float* to, bool add) =>
        NormKernels<L, V>.Affine(rows, columns, x, mean, scale, shift, to, add);

    public override float AddSquare(long count, float* g, float* to) => NormKernels<L, V>.AddSquare(count, g, to);

    public override void Sum(int rows, int columns, float* x, float* to) => NormKernels<L, V>.Sum(rows, columns, x, to);

    public override float AddLanes(int rows, int columns, float* mask, float* g, float* to) =>
        NormKernels<L, V>.AddLanes(rows, columns, mask, g, to);

    public override void PairLogistic(int rows, int columns, int stride, float* y, float* losses, float scale) =>
        NormKernels<L, V>.PairLogistic(rows, columns, stride, y, losses, scale);

    public override float Exponential(float a)
    {
        float* one = stackalloc float[WeightLayout.Lanes];
        L.Store(one, VectorMath<L, V>.Exp(L.Set(a)));
        return *one;
    }

    public override int LaneBlock => LaneForward<L, V>.Block;

    public override void LaneLayer(int inputs, int outputs, float* w, float* bias, float* x, float* z) =>
        LaneForward<L, V>.Layer(inputs, outputs, w, bias, x, z);

    public override void CombineActivate(Activation kind, long count, float* a, float x, float* b, float* to) =>
        LaneForward<L, V>.CombineActivate(kind, count, a, x, b, to);

    public override float LaneCrossEntropy(int valid, int classes, float* z, float* labels) =>
        LaneLosses<L, V>.CrossEntropy(valid, classes, z, labels);

    public override float LaneLogistic(int valid, float* z, float* labels) => LaneLosses<L, V>.Logistic(valid, z, labels);

    public override float LaneSquared(int valid, int outputs, float* a, float* labels, float* targets) =>
        LaneLosses<L, V>.Squared(valid, outputs, a, labels, targets);

    public override int Width => L.Width;

    public override void TinyOne(in TinyPlan plan, float* w, float* gradient, float* loss, float* square) =>
        (*loss, *square) = TinyAlone<L, V>.One(plan, w, gradient);

    public override void TinyGroup(in TinyPlan plan, float* w, int examples, float scale, float* gradient, float* losses, float* squares) =>
        TinyAlone<L, V>.Group(plan, w, examples, scale, gradient, losses, squares);

    public override void TinyReduce(in TinyPlan plan, float* lanes, float* gradient) => TinyAlone<L, V>.Reduce(plan, lanes, gradient);

    public override void TinyGradients(in TinyPlan plan, in TinyBatch batch, float* w, int parameters, float* gradient) =>
        TinyTogether<L, V>.Gradient(plan, batch, w, parameters, gradient);

    public override void TinyExamples(in TinyBatch batch, float whole, in LaneStatistics to) =>
        TinyTogether<L, V>.Examples(batch, whole, to);

    public override void TinySummarizeGradients(in TinyPlan plan, float* gradient, in LaneStatistics to) =>
        TinyTogether<L, V>.SummarizeGradients(plan, gradient, to);

    public override void TinyStep(
        in TinyPlan plan,
        float* w,
        float* gradient,
        float* first,
        float* second,
        in StepConstants constants,
        in LaneStatistics to
    ) => OptimizerKernels<L, V>.StepLanes(plan, w, gradient, first, second, constants, to);
}
