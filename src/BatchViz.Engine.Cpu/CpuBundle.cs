using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Core.Statistics;
using BatchViz.Engine.Cpu.Dense;
using BatchViz.Engine.Cpu.FullGradient;
using BatchViz.Engine.Cpu.Kernels;
using BatchViz.Engine.Cpu.Layered;
using BatchViz.Engine.Cpu.Memory;
using BatchViz.Engine.Cpu.Surface;
using BatchViz.Engine.Cpu.Tiny;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// Members one after another on one workspace, or, tiny nets, several at once in the lanes of the registers; a member's bits do not
/// depend on its siblings.
/// </summary>
internal sealed unsafe class CpuBundle : IBundle
{
    /// <summary>
    /// Updates after which a ‖w‖² that is carried along is taken from the weights again, since what rounding does to it stays.
    /// </summary>
    private const int WeightSquareEvery = 256;

    private readonly KernelTable kernels;
    private readonly WeightLayout layout;
    private readonly Model model;
    private readonly TinyCohort? cohort;
    private readonly FullGradientStep? whole;
    private readonly SearchSteps? search;
    private readonly HardExamples? hard;
    private readonly Optimizer optimizer;
    private readonly LearningRates rates;
    private readonly Member[] members;
    private readonly int[] indices;
    private readonly UpdateStatistics figures;
    private readonly double population;

    /// <summary>Vectors of a member behind its weights, old weights among them.</summary>
    private readonly int states,
        staleness;
    private readonly bool searches;

    /// <summary>Updates before the optimiser's first.</summary>
    private readonly long optimizerFrom;
    private bool disposed;

    /// <exception cref="OutOfMemoryException">There is not so much memory; none is kept.</exception>
    public CpuBundle(KernelTable kernels, DataSet data, BundleSpec spec, bool exampleStatistics)
    {
        var ledger = new Ledger();
        this.kernels = kernels;
        Spec = spec;
        layout = WeightLayout.Of(spec.Network);
        Layout = spec.LayoutOf(layout.Layers.Length);
        optimizer = new Optimizer(kernels, spec.Optimizer, layout.Floats);
        optimizerFrom = spec.Continuation?.OptimizerFrom ?? 0;
        (states, staleness, searches) = (spec.StateVectors, spec.Staleness, Layout.HasLineSearchColumns);
        var progress = spec.ProgressOver(data.Train.Count);
        int largest = LargestBatch(spec, progress);
        rates = spec.LearningRatesOver(progress);
        population = spec.Sampler.Order == SampleOrder.Replacement ? double.PositiveInfinity : data.Train.Count;
        indices = new int[progress.LargestBatch];
        figures = new UpdateStatistics(layout.Layers.Length);
        members = new Member[spec.Seeds.Count];
        try
        {
            model = CreateModel(kernels, data, spec, exampleStatistics, layout, optimizer, largest, ledger);
            cohort = CreateCohort(kernels, data, spec, layout, optimizer, largest, ledger);
            whole = CreateWhole(kernels, spec, layout, model, optimizer, ledger);
            search = CreateSearch(kernels, data, spec, layout, model, optimizer, indices, ledger);
            hard = CreateHard(kernels, data, spec, layout, progress.LargestBatch, ledger);
            for (int m = 0; m < members.Length; m++)
            {
                members[m] = new Member(spec.Seeds[m], spec.SamplerOf(m, data.Train.Count), layout, states, ledger);
                layout.Pack(InitialWeights.Of(spec.Network, data, spec.Seeds[m]), members[m].Weights);
                layout.FillStatistics(members[m].Statistics);
                // Before the first update, all older weights are those.
                for (int s = optimizer.States; s < states; s++)
                    VectorOps.Copy(layout.Floats, members[m].Weights, members[m].Weights + (1 + s) * layout.Floats);
                members[m].WeightSquare = kernels.SumSquares(layout.Floats, members[m].Weights);
            }
        }
        catch
        {
            model?.Dispose();
            cohort?.Dispose();
            whole?.Dispose();
            search?.Dispose();
            hard?.Dispose();
            foreach (var member in members)
                member?.Dispose();
            throw;
        }
        Memory = ledger.Account;
    }

    public BundleSpec Spec { get; }

    public MemoryAccount Memory { get; }

    public RecordLayout Layout { get; }

    public int Members => members.Length;

    public long Updates(int member) => members[member].Updates;

    public bool Diverged(int member) => members[member].Diverged;

    public void Advance(int updates, RecordBlock records)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(updates);
        if (records.Members != members.Length || records.Width != Layout.Width || records.Capacity < updates)
            throw new ArgumentException(
                $"the block holds {records.Members} × {records.Capacity} × {records.Width}, not {members.Length} × {updates} × {Layout.Width}",
                nameof(records)
            );
        Array.Clear(records.Rows);
        if (cohort is not null)
        {
            for (int m = 0; m < members.Length; m += cohort.Lanes)
                Together(m, Math.Min(m + cohort.Lanes, members.Length), updates, records);
        }
        for (int m = 0; m < members.Length; m++)
        {
            while (records.Rows[m] < updates && !members[m].Diverged)
                Update(members[m], records.Row(m, records.Rows[m]++));
        }
        GC.KeepAlive(this);
    }

    /// <summary>What a bundle of the spec would take; takes nothing.</summary>
    public static MemoryAccount Predict(KernelTable kernels, DataSet data, BundleSpec spec, bool exampleStatistics)
    {
        var ledger = new Ledger(predicting: true);
        var layout = WeightLayout.Of(spec.Network);
        var optimizer = new Optimizer(kernels, spec.Optimizer, layout.Floats);
        var progress = spec.ProgressOver(data.Train.Count);
        int largest = LargestBatch(spec, progress);
        using var model = CreateModel(kernels, data, spec, exampleStatistics, layout, optimizer, largest, ledger);
        using var cohort = CreateCohort(kernels, data, spec, layout, optimizer, largest, ledger);
        using var whole = CreateWhole(kernels, spec, layout, model, optimizer, ledger);
        using var search = CreateSearch(kernels, data, spec, layout, model, optimizer, new int[progress.LargestBatch], ledger);
        using var hard = CreateHard(kernels, data, spec, layout, progress.LargestBatch, ledger);
        foreach (uint _ in spec.Seeds)
            new Member(0, null!, layout, spec.StateVectors, ledger).Dispose();
        return ledger.Account;
    }

    public int[] NextBatch(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var of = members[member];
        int drawn = of.Sampler.Fill(of.Updates + 1, indices),
            count = Spec.Sampler.TrainedOf(drawn, Spec.BatchSize);
        hard?.Choose(GradientAt(of), of.Statistics, indices, drawn, count);
        GC.KeepAlive(this);
        return indices[..count];
    }

    public IWeights Snapshot(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var snapshot = new CpuWeights(layout, members[member].Weights, members[member].Statistics);
        GC.KeepAlive(this);
        return snapshot;
    }

    public Keyframe Export(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var from = members[member];
        var vectors = new float[1 + states][];
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = new float[layout.Parameters];
            layout.Unpack(from.Weights + v * layout.Floats, vectors[v]);
        }
        var statistics = new double[OwnStatistics + layout.Statistics];
        (statistics[0], statistics[1], statistics[2]) = (from.Noise.VarianceAverage, from.Noise.SquareAverage, from.WeightSquare);
        if (Layout.HasLineSearchColumns)
            from.Search.Export(statistics.AsSpan(3));
        layout.UnpackStatistics(from.Statistics, statistics.AsSpan(OwnStatistics));
        GC.KeepAlive(this);
        return new Keyframe(from.Updates, vectors[0], vectors[1..], statistics);
    }

    public void Restore(int member, Keyframe keyframe)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (
            keyframe.OptimizerState.Length != states
            || keyframe.Weights.Length != layout.Parameters
            || keyframe.OptimizerState.Any(state => state.Length != layout.Parameters)
            || keyframe.Updates < 0
            || (keyframe.Statistics is { } given && given.Length != OwnStatistics + layout.Statistics)
        )
            throw new ArgumentException("the keyframe is not of this spec", nameof(keyframe));
        var to = members[member];
        layout.Pack(keyframe.Weights, to.Weights);
        for (int s = 0; s < states; s++)
            layout.Pack(keyframe.OptimizerState[s], to.Weights + (s + 1) * layout.Floats);
        to.Updates = keyframe.Updates;
        to.Diverged = false;
        double[]? statistics = keyframe.Statistics;
        to.Noise = statistics is null ? default : new NoiseScale(statistics[0], statistics[1]);
        if (Layout.HasLineSearchColumns)
            to.Search.Restore(statistics.AsSpan(statistics is null ? 0 : 3, statistics is null ? 0 : SearchState.Kept));
        if (to.Updates == optimizerFrom)
            to.Search.BeginAnew();
        to.WeightSquare = statistics?[2] ?? kernels.SumSquares(layout.Floats, to.Weights);
        if (statistics is not null)
            layout.PackStatistics(statistics.AsSpan(OwnStatistics), to.Statistics);
        else
            layout.FillStatistics(to.Statistics);
        GC.KeepAlive(this);
    }

    public void Dispose()
    {
        disposed = true;
        model.Dispose();
        cohort?.Dispose();
        whole?.Dispose();
        search?.Dispose();
        hard?.Dispose();
        foreach (var member in members)
            member.Dispose();
    }

    private static Model CreateModel(
        KernelTable kernels,
        DataSet data,
        BundleSpec spec,
        bool exampleStatistics,
        WeightLayout layout,
        Optimizer optimizer,
        int largest,
        Ledger ledger
    ) =>
        spec.Network.Model.Kind == ModelKind.Surface ? new SurfaceModel(kernels, data, ledger)
        : spec.Network.Layered ? new LayeredModel(kernels, data, spec.Network, layout, largest, exampleStatistics, spec.MicroBatch, ledger)
        : TinyModel.Fits(spec.Network) ? new TinyModel(kernels, data, spec.Network, layout, largest, ledger)
        : new DenseModel(
            kernels,
            data,
            spec.Network,
            layout,
            largest,
            optimizer.Plain && !NeedsWhole(spec),
            exampleStatistics,
            spec.MicroBatch,
            ledger
        );

    /// <summary>Tiny nets train in lanes where they are enough to pay, and their batches not too large.</summary>
    private static TinyCohort? CreateCohort(
        KernelTable kernels,
        DataSet data,
        BundleSpec spec,
        WeightLayout layout,
        Optimizer optimizer,
        int largest,
        Ledger ledger
    ) =>
        spec.Seeds.Count >= TinyCohort.FewestAt(1, kernels.Width)
        && !NeedsWhole(spec)
        && !HasLineSearchColumns(spec)
        && spec.Sampler.Pool is null
        && spec.Network.Model.Kind == ModelKind.Dense
        && TinyModel.Fits(spec.Network)
        && largest <= TinyCohort.MostExamples
            ? new TinyCohort(kernels, data, spec.Network, layout, largest, 1 + optimizer.States, ledger)
            : null;

    private static bool NeedsWhole(BundleSpec spec) => spec.Optimizer.HasTrust || spec.Staleness > 0;

    /// <summary>The most examples that an update trains on.</summary>
    private static int LargestBatch(BundleSpec spec, TrainingProgress progress) =>
        spec.Sampler.Pool is null ? progress.LargestBatch : spec.BatchSize;

    private static HardExamples? CreateHard(
        KernelTable kernels,
        DataSet data,
        BundleSpec spec,
        WeightLayout layout,
        int most,
        Ledger ledger
    ) => spec.Sampler.Pool is null ? null : new HardExamples(CreateLosses(kernels, data, spec, layout, most, ledger), most);

    private static bool HasLineSearchColumns(BundleSpec spec) => spec.HasLineSearchColumns ?? spec.Optimizer.UsesLineSearch;

    /// <summary>Numbers among a keyframe's statistics before those of the layers.</summary>
    private int OwnStatistics => 3 + (Layout.HasLineSearchColumns ? SearchState.Kept : 0);

    private static SearchSteps? CreateSearch(
        KernelTable kernels,
        DataSet data,
        BundleSpec spec,
        WeightLayout layout,
        Model model,
        Optimizer optimizer,
        int[] indices,
        Ledger ledger
    ) =>
        spec.Optimizer.UsesLineSearch
            ? new SearchSteps(
                kernels,
                spec,
                layout,
                model,
                optimizer,
                CreateLosses(kernels, data, spec, layout, indices.Length, ledger),
                indices,
                ledger
            )
            : null;

    private static Losses CreateLosses(KernelTable kernels, DataSet data, BundleSpec spec, WeightLayout layout, int most, Ledger ledger) =>
        spec.Network.Model.Kind == ModelKind.Surface ? new SurfaceLosses(data)
        : spec.Network.Layered ? new LayeredLosses(kernels, data, spec.Network, layout, Math.Min(most, spec.MicroBatch ?? most), ledger)
        : new DenseLosses(kernels, data, spec.Network, layout, Math.Min(most, spec.MicroBatch ?? most), ledger);

    private static FullGradientStep? CreateWhole(
        KernelTable kernels,
        BundleSpec spec,
        WeightLayout layout,
        Model model,
        Optimizer optimizer,
        Ledger ledger
    ) => NeedsWhole(spec) ? new FullGradientStep(kernels, spec.Optimizer, layout, model, optimizer, ledger) : null;

    /// <summary>
    /// The weights that the next update's gradient is taken at. Old weights are kept in turn: those after j updates in place j mod s,
    /// where those of s updates before are no longer wanted.
    /// </summary>
    private float* GradientAt(Member member) =>
        staleness == 0 ? member.Weights : member.Weights + (1 + optimizer.States + member.Updates % staleness) * layout.Floats;

    private void Update(Member member, Span<float> record)
    {
        long update = member.Updates + 1;
        int drawn = member.Sampler.Fill(update, indices),
            count = hard is null ? drawn : Spec.Sampler.TrainedOf(drawn, Spec.BatchSize);
        double rate = rates.At(update);
        float weight = member.Sampler.GradientWeight(update, drawn);
        float* at = staleness == 0 ? member.Weights : GradientAt(member);
        optimizer.Begin(update - optimizerFrom, rate, weight);
        figures.Clear();
        figures.WeightSquare = member.WeightSquare;
        var batch = indices.AsSpan(0, count);
        if (searches)
            member.Search.BeginUpdate();
        if (hard is not null)
        {
            hard.Choose(at, member.Statistics, indices, drawn, count);
            if (searches)
                member.Search.Flops += (double)Spec.Network.ForwardFlopsPerExample * drawn;
        }
        model.Begin(member.Seed, update, member.Statistics);
        if (search is not null)
            search.Update(member.Weights, member.Weights + layout.Floats, member.Search, count, rate, weight, figures);
        else if (whole is null)
            model.Update(member.Weights, member.Weights + layout.Floats, batch, optimizer, figures);
        else
            whole.Update(member.Weights, member.Weights + layout.Floats, at, batch, figures);
        member.Diverged = !figures.Finite;
        member.Noise = StepRecordWriter.Write(record, figures, member.Noise, rate, count, population, layout, Layout);
        if (searches)
        {
            if (search is null)
                member.Search.OnePass((double)Spec.Network.TrainingFlopsPerExample * count);
            member.Search.Write(record, Layout);
        }
        if (member.Diverged)
            return;
        if (model.KeepsWeightSquare)
            member.WeightSquare =
                update % WeightSquareEvery == 0 ? kernels.SumSquares(layout.Floats, member.Weights) : figures.NextWeightSquare;
        member.Updates = update;
    }

    /// <summary>
    /// Advances those of the members from <paramref name="from"/> to before <paramref name="to"/> that are at the same update as the
    /// first of them, a member a lane, as long as there are enough of them to pay.
    /// </summary>
    private void Together(int from, int to, int updates, RecordBlock records)
    {
        long at = -1;
        int going = 0,
            fewest = int.MaxValue;
        for (int m = from; m < to; m++)
        {
            var member = members[m];
            if (!member.Diverged && at < 0)
            {
                at = member.Updates;
                fewest = TinyCohort.FewestAt(member.Sampler.Progress.ExamplesOf(at + 1), cohort!.Lanes);
            }
            member.InLane = !member.Diverged && member.Updates == at;
            if (member.InLane)
                going++;
        }
        if (going >= fewest)
        {
            for (int m = from; m < to; m++)
                if (members[m].InLane)
                    cohort!.Enter(m - from, members[m].Weights);
            for (int row = 0; row < updates && going >= fewest; row++)
                going -= UpdateTogether(from, to, row, records);
            for (int m = from; m < to; m++)
                if (members[m].InLane)
                    cohort!.Leave(m - from, members[m].Weights);
        }
        for (int m = from; m < to; m++)
            members[m].InLane = false;
    }

    /// <summary>One update of all members in lanes; returns how many of them diverged in it.</summary>
    private int UpdateTogether(int from, int to, int row, RecordBlock records)
    {
        int count = 0,
            ended = 0;
        long update = 0;
        float weight = 1;
        for (int m = from; m < to; m++)
        {
            var member = members[m];
            if (!member.InLane)
                continue;
            update = member.Updates + 1;
            count = member.Sampler.Fill(update, indices);
            weight = member.Sampler.GradientWeight(update, count);
            cohort!.Give(m - from, indices.AsSpan(0, count));
        }
        cohort!.Measure(count);
        for (int m = from; m < to; m++)
        {
            var member = members[m];
            if (!member.InLane)
                continue;
            member.Diverged = !cohort.Finite(m - from);
            if (member.Diverged)
                cohort.Leave(m - from, member.Weights);
        }
        double rate = rates.At(update);
        optimizer.Begin(update - optimizerFrom, rate, weight);
        cohort.Step(optimizer);
        for (int m = from; m < to; m++)
        {
            var member = members[m];
            if (!member.InLane)
                continue;
            cohort.Read(m - from, figures);
            if (member.Diverged)
                (figures.UpdateSquare, figures.WeightSquare) = (0, 0);
            member.Noise = StepRecordWriter.Write(records.Row(m, row), figures, member.Noise, rate, count, population, layout, Layout);
            records.Rows[m]++;
            member.InLane = !member.Diverged;
            if (member.Diverged)
                ended++;
            else
                member.Updates = update;
        }
        return ended;
    }

    private sealed class Member : IDisposable
    {
        private readonly Arena arena;

        public Member(uint seed, Sampler sampler, WeightLayout layout, int states, Ledger ledger)
        {
            (Seed, Sampler) = (seed, sampler);
            arena = new Arena(ledger);
            // First, so that the state vectors lie behind the weights.
            if (layout.StatisticsFloats > 0)
                arena.Reserve(layout.StatisticsFloats, MemoryUse.Weights);
            arena.Reserve(layout.Floats, MemoryUse.Weights);
            for (int s = 0; s < states; s++)
                arena.Reserve(layout.Floats, MemoryUse.OptimizerState);
            if (layout.StatisticsFloats > 0)
                Statistics = arena.Take();
            Weights = arena.Take();
        }

        public uint Seed { get; }

        public Sampler Sampler { get; }

        /// <summary>Weights, then the optimiser's state vectors, padded, one after another.</summary>
        public float* Weights { get; }

        /// <summary>Of batch norms, padded; null where there are none.</summary>
        public float* Statistics { get; }

        public void Dispose() => arena.Dispose();

        public long Updates { get; set; }

        public bool Diverged { get; set; }

        public SearchState Search { get; } = new();

        /// <summary>During an advance: whether it goes on in a lane.</summary>
        public bool InLane { get; set; }

        /// <summary>Averages behind the noise scale so far.</summary>
        public NoiseScale Noise { get; set; }

        /// <summary>‖w‖², where the model carries it along.</summary>
        public double WeightSquare { get; set; }
    }
}
