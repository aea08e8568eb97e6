using BatchViz.Core.Data;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Engines;

/// <summary>
/// The engine seam. What crosses it is whole updates, whole evaluations and whole grids; never a tensor operation.
/// Weights, planes and data stay inside an engine as opaque handles; copies to the host happen for keyframes and exports only.
/// An engine is safe to use from several threads; a bundle, an evaluator or a probe belongs to one thread at a time.
/// </summary>
public interface IEngine : IDisposable
{
    /// <summary>The name in files and on the command line: "cpu", "torch".</summary>
    string Name { get; }

    /// <summary>What the engine runs on here, in a few words, for people.</summary>
    string Description { get; }

    /// <summary>What the bits depend on besides the spec: the kernel path, the device.</summary>
    string Variant { get; }

    /// <summary>Raised whenever the same spec gives other bits than an earlier version of the engine gave.</summary>
    int Revision { get; }

    /// <summary>Whether the same spec always gives the same bits. Where false, records are kept instead of recomputed.</summary>
    bool BitExact { get; }

    /// <summary>What products are computed in.</summary>
    Precision Precision => Precision.Float32;

    /// <summary>Brings a data set into the engine's memory.</summary>
    IEngineData Load(DataSet data);

    /// <summary>A bundle at update 0, with the initial weights of each seed.</summary>
    /// <exception cref="RefusedException">The model does not fit the data, or the bundle would take more memory than allowed; none has been
    /// taken.</exception>
    IBundle CreateBundle(IEngineData data, BundleSpec spec);

    /// <summary>What <see cref="IBundle.Memory"/> of such a bundle would say, before anything is taken.</summary>
    MemoryAccount Predict(BundleSpec spec, DataSet data);

    /// <summary>
    /// Bytes of an evaluator, and with <paramref name="grid"/> also of a plane and of what grids of that set on so many threads take.
    /// </summary>
    long PredictEvaluator(NetworkSpec network, DataSet data, EvaluationSet? grid = null, int threads = 1);

    /// <summary>Evaluates losses, planes and grids of the given model; draws from no random stream of any run.</summary>
    IEvaluator CreateEvaluator(IEngineData data, NetworkSpec network);

    /// <summary>Measures gradients, curvature and sharpness of the given model; draws from no random stream of any run.</summary>
    IProbe CreateProbe(IEngineData data, NetworkSpec network);
}

/// <summary>A data set held by an engine.</summary>
public interface IEngineData : IDisposable
{
    DataSet Source { get; }
}

/// <summary>Layer sizes with both ends inferred from the data and the loss, and the loss itself.</summary>
/// <param name="Sizes">Inputs, hidden widths, outputs; of a model of layers the two ends (inputs of one tower); for a surface the two
/// weights are counted by <see cref="ParameterCount"/>.</param>
public sealed record NetworkSpec(ModelSpec Model, LossKind Loss, IReadOnlyList<int> Sizes)
{
    private LayerGraph? graph;
    private IReadOnlyList<WeightGroup>? weights;

    /// <summary>The shape of an example (of one view, where data are paired); null: a vector.</summary>
    public TensorShape? Image { get; init; }

    /// <summary>Of a model of layers: shapes and weights of all of them.</summary>
    /// <exception cref="RefusedException">They do not fit together.</exception>
    public LayerGraph Graph => graph ??= new LayerGraph(Model, Loss, Image ?? new TensorShape(Sizes[0]), Contrastive ? null : Sizes[^1]);

    public bool Layered => Model.Kind == ModelKind.Layers;

    /// <summary>
    /// Pairs that an evaluation of a contrastive loss compares with one another, in the order of the set; the last of its blocks may be
    /// shorter.
    /// </summary>
    public const int PairsCompared = 256;

    /// <summary>Whether the loss compares the examples of a batch with one another.</summary>
    public bool Contrastive => Loss is LossKind.InfoNce or LossKind.SigmoidContrastive;

    /// <summary>
    /// Whether a batch's mean loss is a mean of losses that each belong to one example while training; else examples have no gradients of
    /// their own.
    /// </summary>
    public bool Separable => !Contrastive && !(Layered && Graph.HasBatchNorm);

    /// <summary>
    /// All weights, layer by layer in the canonical order (see <see cref="ParameterCount"/>); a surface's two are one group of two outputs.
    /// </summary>
    public IReadOnlyList<WeightGroup> Weights =>
        weights ??=
            Layered ? Graph.Weights
            : Model.Kind == ModelKind.Surface ? [new WeightGroup("surface", WeightRole.Matrix, 1, 2, false)]
            :
            [
                .. Enumerable
                    .Range(0, Sizes.Count - 1)
                    .Select(l => new WeightGroup(
                        $"layers.{l}",
                        WeightRole.Matrix,
                        Sizes[l],
                        Sizes[l + 1],
                        Model.Bias,
                        1,
                        l == Sizes.Count - 2 ? Model.OutputActivation : Model.Activation
                    )),
            ];

    /// <summary>Layers with weights.</summary>
    public int Layers => Layered ? Graph.Weights.Count : Sizes.Count - 1;

    /// <summary>
    /// Number of weights and biases, in the canonical order: layer by layer, W [out, in] row-major, then b [out]; convolutions [out, in /
    /// groups, rows, columns]; norms γ, then β.
    /// </summary>
    public long ParameterCount
    {
        get
        {
            if (Model.Kind == ModelKind.Surface)
                return 2;
            if (Layered)
                return Graph.Weights.Sum(weights => weights.Count);
            long count = 0;
            for (int l = 0; l < Layers; l++)
                count += (long)Sizes[l + 1] * (Sizes[l] + (Model.Bias ? 1 : 0));
            return count;
        }
    }

    /// <summary>Values of one example and of all layers' outputs for it.</summary>
    public long ActivationsPerExample => Layered ? Model.Towers * Graph.Input.Size + Graph.Activations : Sizes.Sum(size => (long)size);

    /// <summary>
    /// FLOPs of one example's forward and backward matrix products (2 to a multiply-add; the first layer needs no input gradient).
    /// </summary>
    public long TrainingFlopsPerExample
    {
        get
        {
            if (Model.Kind == ModelKind.Surface)
                return 16;
            if (Layered)
                return Math.Max(1, 2 * (3 * Graph.Products - Graph.FirstProducts));
            long flops = 0;
            for (int l = 0; l < Layers; l++)
                flops += 2L * Sizes[l] * Sizes[l + 1] * (l == 0 ? 2 : 3);
            return flops;
        }
    }

    /// <summary>FLOPs of one example's forward matrix products alone.</summary>
    public long ForwardFlopsPerExample
    {
        get
        {
            if (Model.Kind == ModelKind.Surface)
                return 8;
            if (Layered)
                return Math.Max(1, 2 * Graph.Products);
            long flops = 0;
            for (int l = 0; l < Layers; l++)
                flops += 2L * Sizes[l] * Sizes[l + 1];
            return flops;
        }
    }

    /// <summary>
    /// Bytes that one update must move at least, of floats: weights read forward and (but for the first layer's) backward, read and written
    /// by the optimiser with its state; activations written and read once; the batch read once. Gradients and what a cache holds are not
    /// counted.
    /// </summary>
    /// <param name="stateVectors">Of the optimiser, each as long as the weights.</param>
    public long TrainingBytes(int batchSize, int stateVectors)
    {
        long first =
            Model.Kind == ModelKind.Surface ? 2
            : Layered ? Graph.Weights[0].Count
            : (long)Sizes[1] * (Sizes[0] + (Model.Bias ? 1 : 0));
        long weights = ParameterCount + (ParameterCount - first) + 2 * (1 + stateVectors) * ParameterCount;
        long inputs = Layered ? Model.Towers * Graph.Input.Size : Sizes[0];
        long activations = Model.Kind == ModelKind.Surface ? 0 : 2 * (ActivationsPerExample - inputs);
        return sizeof(float) * (weights + batchSize * (activations + inputs));
    }

    /// <summary>Whether inputs, outputs, loss and start go with a data set.</summary>
    /// <exception cref="RefusedException">They do not; the sentence says what.</exception>
    public void CheckFits(DataSet set)
    {
        bool surface = Model.Kind == ModelKind.Surface;
        if (surface != (set.Task == DataTask.Surface) || surface != (Loss == LossKind.Surface))
            throw new RefusedException($"The model does not fit {set.Name}: surfaces go with the model and the loss \"surface\".");
        if (surface)
        {
            if (set.Surface is null || set.Train.Floats is null || set.Inputs != 2)
                throw new RefusedException($"{set.Name} does not say which surface it is.");
            return;
        }
        if (Contrastive != (set.Views == 2))
            throw new RefusedException($"{set.Name} has {set.Views} views of an example, which does not fit the loss.");
        if (Layered && Graph.Input.Size * Model.Towers != set.Inputs)
            throw new RefusedException($"The model has {Graph.Input.Size * Model.Towers} inputs, {set.Name} has {set.Inputs}.");
        if (Contrastive)
            return;
        var sizes = Sizes;
        if (sizes.Count < 2 || sizes.Any(n => n < 1))
            throw new RefusedException("The model needs at least one layer, and widths of at least 1.");
        if (sizes[0] != set.Inputs)
            throw new RefusedException($"The model has {sizes[0]} inputs, {set.Name} has {set.Inputs}.");
        bool single = set.Task == DataTask.Classification && set.Outputs == 2 && Loss != LossKind.CrossEntropy && sizes[^1] == 1;
        if (!single && sizes[^1] != set.Outputs)
            throw new RefusedException($"The model has {sizes[^1]} outputs, {set.Name} has {set.Outputs}.");
        if (set.Task == DataTask.Regression && Loss != LossKind.Squared)
            throw new RefusedException("Regression needs the loss \"squared\".");
        if (Loss == LossKind.Logistic && !single)
            throw new RefusedException("The loss \"logistic\" needs two classes and one output.");
        if (Model.Start is { } start && start.Count != ParameterCount)
            throw new RefusedException($"The model has {ParameterCount} weights, its start has {start.Count}.");
    }

    public bool Equals(NetworkSpec? other) =>
        other is not null && Model == other.Model && Loss == other.Loss && Image == other.Image && ReferenceEquals(Sizes, other.Sizes);

    public override int GetHashCode() => HashCode.Combine(Model, Loss, Image);
}

/// <summary>K ≥ 1 runs of equal shape and batch size, which an engine advances together; one seed a member.</summary>
/// <param name="BatchSize">B: the size of a whole batch, at the beginning where a schedule lets it grow.</param>
/// <param name="LearningRate">η, which <paramref name="Optimizer"/> uses as <see cref="Schedule"/> says.</param>
public sealed record BundleSpec(
    NetworkSpec Network,
    OptimizerSpec Optimizer,
    SamplerSpec Sampler,
    int BatchSize,
    double LearningRate,
    IReadOnlyList<uint> Seeds
)
{
    /// <summary>A cosine's length is known here.</summary>
    public ScheduleSpec Schedule { get; init; } = new();

    public BatchScheduleSpec? BatchSchedule { get; init; }

    /// <summary>
    /// Most examples that an engine sends through the network at once, whatever the batch size; null: its own choice. The gradient is the
    /// batch's mean all the same.
    /// </summary>
    public int? MicroBatch { get; init; }

    /// <summary>
    /// Whether records have the columns of <see cref="RecordLayout.HasLineSearchColumns"/>; null: where the optimiser searches. A fork's
    /// are those of its recording.
    /// </summary>
    public bool? HasLineSearchColumns { get; init; }

    /// <summary>Names of the columns that the runs' recording began with; null: all that there are.</summary>
    public IReadOnlyCollection<string>? RecordedColumns { get; init; }

    /// <summary>The records' columns for a net with so many layers that have weights.</summary>
    public RecordLayout LayoutOf(int layers) => new(layers, HasLineSearchColumns ?? Optimizer.UsesLineSearch, RecordedColumns);

    /// <summary>
    /// About how many FLOPs an update of so many examples takes: what keyframes are spaced by. A search takes three passes or so, and goes
    /// through its vectors.
    /// </summary>
    public double FlopsOf(int examples) =>
        Optimizer.UsesLineSearch
            ? 3.0 * FlopsPerExample * examples + 8.0 * Optimizer.StateVectors * Network.ParameterCount
            : FlopsPerExample * examples;

    /// <summary>FLOPs of one example that is drawn, without searches: its part of scoring and training where a pool is scored.</summary>
    public double FlopsPerExample =>
        Sampler.Pool is { } pool
            ? Network.ForwardFlopsPerExample + (double)Network.TrainingFlopsPerExample * BatchSize / pool
            : Network.TrainingFlopsPerExample;

    /// <summary>
    /// Updates between the weights that a gradient is taken at and those that it is applied to (at first as many as there are).
    /// </summary>
    public int Staleness { get; init; }

    /// <summary>Vectors of a member besides its weights: the optimiser's, then old weights.</summary>
    public int StateVectors => Optimizer.StateVectors + Staleness;

    /// <summary>A fork's past; null: the run has none.</summary>
    public Continuation? Continuation { get; init; }

    /// <summary>Bookkeeping that is the same for all members.</summary>
    public TrainingProgress ProgressOver(int trainExamples) =>
        Continuation?.Progress ?? new(Sampler.Remainder, trainExamples, Sampler.Pool ?? BatchSize, BatchSchedule);

    /// <summary>The sampler of one member.</summary>
    public Sampler SamplerOf(int member, int trainExamples) => new(Sampler.Order, ProgressOver(trainExamples), Seeds[member]);

    /// <summary>The rate of each update, the same for all members.</summary>
    public LearningRates LearningRatesOver(TrainingProgress progress) => new(LearningRate, Schedule, progress);
}

/// <summary>What a fork must know of the run it comes from, besides the <see cref="Keyframe"/> that it begins with.</summary>
/// <param name="Progress">From the parent's first update on; its batch sizes count, not those of the bundle's spec.</param>
/// <param name="OptimizerFrom">Updates before the optimiser's first one: its state was zero then.</param>
public sealed record Continuation(TrainingProgress Progress, long OptimizerFrom);

/// <summary>Runs that train together. Each member's bits are the same as if it ran alone.</summary>
public interface IBundle : IDisposable
{
    BundleSpec Spec { get; }

    RecordLayout Layout { get; }

    /// <summary>What it holds of the engine's memory.</summary>
    MemoryAccount Memory { get; }

    int Members { get; }

    /// <summary>Updates the given member has made.</summary>
    long Updates(int member);

    /// <summary>
    /// Whether a loss or gradient of this member was not finite; it makes no further update, and its last record says so.
    /// </summary>
    bool Diverged(int member);

    /// <summary>
    /// Makes <paramref name="updates"/> more updates of every member that has not diverged and writes one record for each into
    /// <paramref name="records"/>, member by member (<see cref="RecordBlock.Rows"/> says how many rows each member got).
    /// </summary>
    void Advance(int updates, RecordBlock records);

    /// <summary>
    /// Indices, in the training split, of the examples that the member's next update will train on, as its weights stand now: the hardest
    /// where a pool is scored. Changes nothing.
    /// </summary>
    int[] NextBatch(int member);

    /// <summary>The member's weights now, as an immutable handle inside the engine.</summary>
    IWeights Snapshot(int member);

    /// <summary>Weights, optimiser state and position: all that is needed to go on from here, bit for bit.</summary>
    Keyframe Export(int member);

    /// <summary>Puts a member back to an exported keyframe of the same spec.</summary>
    void Restore(int member, Keyframe keyframe);
}

/// <summary>Immutable weights inside an engine.</summary>
public interface IWeights : IDisposable
{
    long Count { get; }

    /// <summary>Copies to the host in canonical order (see <see cref="NetworkSpec.ParameterCount"/>).</summary>
    void CopyTo(Span<float> canonical);
}

/// <summary>
/// Weights [P], the optimiser's state vectors [S][P] (momentum: v; Adam: m, v), behind them old weights of asynchronous workers, and the
/// number of updates made, all in canonical order.
/// </summary>
/// <param name="Statistics">The engine's running statistics (averages behind <see cref="RecordLayout.NoiseScale"/>; what a search along
/// lines keeps; then, layer by layer, those of batch norms); null: they begin here.</param>
public sealed record Keyframe(long Updates, float[] Weights, float[][] OptimizerState, double[]? Statistics = null);

/// <summary>Examples of a split on which losses are compared; chosen once, the same for all runs.</summary>
public sealed record EvaluationSet(Split Split, int[]? Indices)
{
    /// <summary>All examples of the split.</summary>
    public static EvaluationSet All(Split split) => new(split, null);
}

/// <summary>Mean loss (units of the loss), and the share of examples classified rightly (NaN for regression).</summary>
public readonly record struct Evaluation(double Loss, double Accuracy);

/// <summary>
/// An affine plane in weight space: origin + x·d₁ + y·d₂ with orthonormal d₁, d₂ unless <see cref="UnitLength"/> says otherwise.
/// </summary>
public interface IPlane : IDisposable
{
    /// <summary>Euclidean lengths of d₁ and d₂ in weight space, for units on the axes.</summary>
    (double X, double Y) UnitLength { get; }

    /// <summary>A copy on the host, from which <see cref="IEvaluator.PlaneOf"/> makes the same plane again, bit for bit.</summary>
    PlaneVectors Export();
}

/// <summary>A plane as numbers, in canonical order (see <see cref="NetworkSpec.ParameterCount"/>): origin, d₁ and d₂ [P] each.</summary>
/// <param name="Statistics">Running statistics of batch norms [<see cref="LayerGraph.Statistics"/>] with which all points are evaluated;
/// null where there are none.</param>
public sealed record PlaneVectors(float[] Origin, float[] First, float[] Second, double[]? Statistics = null);

/// <summary>Coordinates of the nearest point of a plane (least squares), and the Euclidean distance to it.</summary>
public readonly record struct PlanePoint(double X, double Y, double OffPlane);

/// <summary>Measures without training: it changes no run and draws from no run's random stream.</summary>
public interface IEvaluator : IDisposable
{
    Evaluation Evaluate(IWeights weights, EvaluationSet set);

    /// <summary>Inner products of the displacements from the mean: G[i,j] = ⟨wᵢ − w̄, wⱼ − w̄⟩, [n, n] row-major, double.</summary>
    double[] CentredGram(IReadOnlyList<IWeights> weights);

    /// <summary>The plane through the mean of the weights, along Σ aᵢ(wᵢ − w̄) and Σ bᵢ(wᵢ − w̄).</summary>
    IPlane CombinationPlane(IReadOnlyList<IWeights> weights, ReadOnlySpan<double> a, ReadOnlySpan<double> b);

    /// <summary>
    /// The plane through the mean of the weights along two Gaussian directions drawn from <paramref name="seed"/>, each row of each
    /// weight matrix scaled to the norm of the origin's row, biases left alone (Li et al. 2018, arXiv:1712.09913, section 4).
    /// </summary>
    IPlane RandomPlane(IReadOnlyList<IWeights> weights, uint seed);

    /// <summary>Two-weight models only: x and y are the weights themselves.</summary>
    IPlane WeightPlane();

    /// <summary>
    /// The plane through three points of weight space: origin at <paramref name="a"/>, the first axis towards <paramref name="b"/>, the
    /// second at a right angle to it on the side of <paramref name="c"/>; directions of length 1 (Gram-Schmidt in double precision).
    /// </summary>
    /// <exception cref="RefusedException">Two of them are the same, or all lie on one line.</exception>
    IPlane PlaneThrough(IWeights a, IWeights b, IWeights c);

    /// <summary>
    /// The plane through <paramref name="origin"/> along two directions, such as the Hessian's top two eigenvectors: the first axis
    /// along <paramref name="d1"/>, the second along what <paramref name="d2"/> adds at a right angle to it; directions of length 1.
    /// </summary>
    /// <exception cref="RefusedException">A direction has no length, or both are parallel.</exception>
    IPlane DirectionPlane(IWeights origin, IDirection d1, IDirection d2);

    /// <summary>The plane of vectors that <see cref="IPlane.Export"/> gave.</summary>
    /// <exception cref="ArgumentException">They are of another model.</exception>
    IPlane PlaneOf(PlaneVectors vectors);

    PlanePoint Project(IPlane plane, IWeights weights);

    /// <summary>
    /// A vector's components on the plane, such as a gradient's: the x, y with x·d₁ + y·d₂ nearest to it (least squares), and the length of
    /// what is left of it. Going along s times the vector changes a point's coordinates by s·(x, y).
    /// </summary>
    PlanePoint Project(IPlane plane, IDirection vector);

    /// <summary>The network's outputs at inputs that need not be of the data set.</summary>
    /// <param name="inputs">[n, inputs] row-major, scaled like the data set's features.</param>
    /// <param name="outputs">[n, outputs] row-major, after the output activation: logits where the loss is a cross-entropy or
    /// logistic.</param>
    /// <exception cref="RefusedException">The model has no inputs: a surface.</exception>
    void Outputs(IWeights weights, ReadOnlySpan<float> inputs, Span<float> outputs);

    /// <summary>
    /// Losses at the points of a grid, <paramref name="resolution"/>² row by row from the region's first y, into
    /// <paramref name="losses"/>. Points that already hold a number are kept (NaN marks those to compute, so a 2ᵏ+1 grid reuses the
    /// one before); a loss that is not finite is stored as +∞. <paramref name="cancel"/> is looked at between rows.
    /// </summary>
    /// <param name="threads">
    /// Threads that may work on it, the caller's among them; the others end before the call returns. A point's bits depend neither on
    /// them nor on which other points are missing.
    /// </param>
    void Grid(
        IPlane plane,
        GridRegion region,
        int resolution,
        EvaluationSet set,
        Span<float> losses,
        CancellationToken cancel,
        int threads = 1
    );

    /// <summary>
    /// Loss and accuracy along the line (1 − t)·from + t·to (Goodfellow et al. 2015, arXiv:1412.6544) at <paramref name="count"/> evenly
    /// spaced t from <paramref name="t0"/> to <paramref name="t1"/>, ends included, into <paramref name="values"/> [count]. Keskar et al.
    /// 2017 (arXiv:1609.04836) show t from −1 to 2. Losses that are not finite are told as they are.
    /// </summary>
    void Line(
        IWeights from,
        IWeights to,
        double t0,
        double t1,
        int count,
        EvaluationSet set,
        Span<Evaluation> values,
        CancellationToken cancel
    );
}

/// <summary>The rectangle of a plane that a grid covers, ends included.</summary>
public readonly record struct GridRegion(double X0, double X1, double Y0, double Y1);
