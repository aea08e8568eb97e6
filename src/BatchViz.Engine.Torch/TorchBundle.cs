using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;
using BatchViz.Core.Statistics;
using TorchSharp;
using static TorchSharp.torch;

namespace BatchViz.Engine.Torch;

/// <summary>
/// Members as one stacked model. On a device of its own updates are queued and up to <see cref="ReadEvery"/> of them read back at a time,
/// in the hope that all their gradients are finite; where one is not, those updates are made once more, each looked at before it is
/// applied, as always on a CPU.
/// </summary>
internal sealed class TorchBundle : IBundle
{
    /// <summary>Updates from one look at their figures to the next.</summary>
    private const int ReadEvery = 32;

    private const double FirstScale = 65536;

    /// <summary>Updates after which a loss's scale that overflowed nowhere is doubled.</summary>
    private const int ScaleGrowsAfter = 2000;

    private readonly TorchData data;
    private readonly ParameterLayout layout;
    private readonly StackedModel model;
    private readonly BatchGradients gradients;
    private readonly Steps steps;
    private readonly LineSearchSteps? searches;
    private readonly UpdateStatistics figures;
    private readonly LearningRates rates;
    private readonly Cohort whole;
    private readonly Member[] members;
    private readonly Device device;
    private readonly Precision precision;
    private readonly int[] indices;
    private readonly double population;
    private readonly bool scales,
        queues;
    private readonly long optimizerFrom;
    private double scale = 1;
    private long sinceOverflow;
    private bool disposed;

    /// <param name="queues">Whether updates are queued on the device; where each is waited for anyway, looking first costs less.</param>
    public TorchBundle(TorchData data, BundleSpec spec, Device device, Precision precision, bool queues, bool exampleStatistics)
    {
        (this.data, Spec, this.device, this.precision, this.queues) = (data, spec, device, precision, queues);
        layout = new ParameterLayout(spec.Network);
        Layout = spec.LayoutOf(layout.Places.Length);
        model = new StackedModel(layout, data.Source, precision);
        gradients = new BatchGradients(model, data.Train, exampleStatistics, spec.MicroBatch, device);
        steps = new Steps(spec.Optimizer, layout);
        figures = new UpdateStatistics(layout);
        scales = precision == Precision.Float16;
        if (scales)
            scale = FirstScale;
        optimizerFrom = spec.Continuation?.OptimizerFrom ?? 0;
        var progress = spec.ProgressOver(data.Source.Train.Count);
        rates = spec.LearningRatesOver(progress);
        population = spec.Sampler.Order == SampleOrder.Replacement ? double.PositiveInfinity : data.Source.Train.Count;
        indices = new int[progress.LargestBatch];
        if (spec.Optimizer.UsesLineSearch)
            searches = new LineSearchSteps(spec, layout, model, gradients, data.Train);
        members = [.. spec.Seeds.Select((seed, m) => new Member(seed, spec.SamplerOf(m, data.Source.Train.Count)))];
        Memory = Predict(spec, data.Source, queues);
        whole = Begin();
    }

    public BundleSpec Spec { get; }

    public RecordLayout Layout { get; }

    public MemoryAccount Memory { get; }

    public int Members => members.Length;

    private int States => Spec.Optimizer.StateVectors;

    public long Updates(int member) => members[member].Updates;

    public bool Diverged(int member) => members[member].Diverged;

    /// <summary>What a bundle takes, by its shapes; what libtorch keeps in its caches is not among it.</summary>
    /// <param name="queues">Whether updates are queued.</param>
    public static MemoryAccount Predict(BundleSpec spec, DataSet data, bool queues)
    {
        long members = spec.Seeds.Count,
            vector = members * spec.Network.ParameterCount * sizeof(float);
        long batch = spec.Sampler.Pool is null ? spec.ProgressOver(data.Train.Count).LargestBatch : spec.BatchSize;
        long rows = members * (spec.Network.Separable && spec.MicroBatch is { } micro ? Math.Min(micro, batch) : batch);
        long activations = rows * spec.Network.ActivationsPerExample * sizeof(float);
        // While updates are queued there are a copy of all vectors to go back to and the trace, which is put together once more to be read.
        long queued = queues
            ? (1 + spec.StateVectors) * vector
                + 2
                    * UpdateTrace.Bytes(
                        UpdateTrace.Fitting(ReadEvery, members, spec.Network.ParameterCount),
                        members,
                        spec.Network.ParameterCount
                    )
            : 0;
        return new MemoryAccount(
            vector,
            spec.StateVectors * vector,
            activations,
            vector + activations,
            rows * data.Inputs * sizeof(float),
            vector + queued
        );
    }

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
        using var turn = Tf32Turns.Take(device, precision);
        while (true)
        {
            // Those that are where the first one of those with something to do is.
            int first = 0;
            while (first < members.Length && !Going(first))
                first++;
            if (first == members.Length)
                return;
            var (at, row) = (members[first].Updates, records.Rows[first]);
            int[] same =
            [
                .. Enumerable.Range(0, members.Length).Where(m => Going(m) && members[m].Updates == at && records.Rows[m] == row),
            ];
            TorchMemory.Guard(Spec.BatchSize, () => Advance(same, updates, records));
        }

        bool Going(int member) => !members[member].Diverged && records.Rows[member] < updates;
    }

    public int[] NextBatch(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        using var turn = Tf32Turns.Take(device, precision);
        using var scope = NewDisposeScope();
        var of = members[member];
        if (Spec.Sampler.Pool is null)
            return indices[..of.Sampler.Fill(of.Updates + 1, indices)];
        using var alone = whole.Take([member], IsAt);
        return Harden(alone, of.Updates + 1)[0];
    }

    public IWeights Snapshot(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        using var scope = NewDisposeScope();
        return new TorchWeights(layout, whole.Weights.select(0, member).clone(), whole.Running?.select(0, member).clone());
    }

    public Keyframe Export(int member)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        using var scope = NewDisposeScope();
        var from = members[member];
        var vectors = new float[whole.Vectors.Length][];
        for (int v = 0; v < vectors.Length; v++)
        {
            vectors[v] = new float[layout.Parameters];
            Host.Copy(whole.Vectors[v].select(0, member), vectors[v]);
        }
        var statistics = new double[OwnStatistics + layout.Statistics];
        (statistics[0], statistics[1], statistics[2]) = (
            from.Noise.VarianceAverage,
            from.Noise.SquareAverage,
            vectors[0].Sum(w => (double)w * w)
        );
        if (Layout.HasLineSearchColumns)
            from.Search.Export(statistics.AsSpan(3));
        if (whole.Running is { } running)
            Host.Doubles(running.select(0, member)).CopyTo(statistics, OwnStatistics);
        return new Keyframe(from.Updates, vectors[0], vectors[1..], statistics);
    }

    public void Restore(int member, Keyframe keyframe)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (
            keyframe.OptimizerState.Length != Spec.StateVectors
            || keyframe.Weights.Length != layout.Parameters
            || keyframe.OptimizerState.Any(state => state.Length != layout.Parameters)
            || keyframe.Updates < 0
            || (keyframe.Statistics is { } given && given.Length != OwnStatistics + layout.Statistics)
        )
            throw new ArgumentException("the keyframe is not of this spec", nameof(keyframe));
        using var scope = NewDisposeScope();
        using var still = no_grad();
        whole.Vectors[0].select(0, member).copy_(tensor(keyframe.Weights));
        for (int s = 0; s < keyframe.OptimizerState.Length; s++)
            whole.Vectors[1 + s].select(0, member).copy_(tensor(keyframe.OptimizerState[s]));
        var to = members[member];
        (to.Updates, to.Diverged) = (keyframe.Updates, false);
        double[]? statistics = keyframe.Statistics;
        to.Noise = statistics is null ? default : new NoiseScale(statistics[0], statistics[1]);
        if (Layout.HasLineSearchColumns)
            to.Search.Restore(statistics.AsSpan(statistics is null ? 0 : 3, statistics is null ? 0 : SearchState.Kept));
        if (to.Updates == optimizerFrom)
            to.Search.BeginAnew();
        whole
            .Running?.select(0, member)
            .copy_(tensor(statistics is null ? FirstStatistics() : Array.ConvertAll(statistics[OwnStatistics..], s => (float)s)));
    }

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        whole.Dispose();
        HostAllocator.GiveBack(Memory.Total);
    }

    /// <summary>Numbers among a keyframe's statistics before those of the layers.</summary>
    private int OwnStatistics => 3 + (Layout.HasLineSearchColumns ? SearchState.Kept : 0);

    /// <summary>Whether gradients may be taken at the vector of that number: the weights, or old ones.</summary>
    private bool IsAt(int vector) => Spec.Staleness == 0 ? vector == 0 : vector > States;

    private Cohort Begin()
    {
        using var scope = NewDisposeScope();
        var initial = stack(Spec.Seeds.Select(seed => tensor(InitialWeights.Of(Spec.Network, data.Source, seed)))).to(device);
        var vectors = new Tensor[1 + Spec.StateVectors];
        // Before the first update, all older weights are those.
        for (int v = 0; v < vectors.Length; v++)
            vectors[v] = v == 0 || v > States ? initial.clone() : zeros_like(initial);
        var running =
            layout.Statistics == 0 ? null : tensor(FirstStatistics()).to(device).unsqueeze(0).expand(Members, layout.Statistics).clone();
        return new Cohort(layout, [.. Enumerable.Range(0, Members)], vectors, running, IsAt);
    }

    /// <summary>Running statistics at update 0 [S]: means 0, variances 1.</summary>
    private float[] FirstStatistics()
    {
        var statistics = new float[layout.Statistics];
        foreach (var (first, count) in layout.Variances)
            statistics.AsSpan(first, count).Fill(1);
        return statistics;
    }

    private void Advance(int[] same, int updates, RecordBlock records)
    {
        using var taken = same.Length == members.Length ? null : whole.Take(same, IsAt);
        var cohort = taken ?? whole;
        bool looks = !queues || searches is not null || Spec.Sampler.Pool is not null;
        while (true)
        {
            int[] going = [.. same.Where(m => !members[m].Diverged)];
            if (going.Length < same.Length || records.Rows[same[0]] == updates)
                break;
            using var scope = NewDisposeScope();
            int count = UpdateTrace.Fitting(Math.Min(ReadEvery, updates - records.Rows[same[0]]), same.Length, layout.Parameters);
            if (looks || !Queue(cohort, count, records))
                OneByOne(cohort, count, records);
        }
        if (taken is not null)
            whole.Give(taken);
    }

    /// <summary>Makes updates without looking; false, and nothing has happened, where one of them must not be applied.</summary>
    private bool Queue(Cohort cohort, int count, RecordBlock records)
    {
        long first = members[cohort.Members[0]].Updates + 1;
        var before = cohort.Copy();
        var trace = new UpdateTrace(figures);
        var sizes = new int[count];
        var examples = Batches(cohort, first, count, sizes);
        int from = 0;
        for (int u = 0; u < count; u++)
        {
            int length = sizes[u] * cohort.Members.Length;
            Queued(cohort, first + u, examples.narrow(0, from, length), sizes[u], trace);
            from += length;
        }
        double[] read = trace.Read();
        int width = figures.Width,
            each = cohort.Members.Length * width;
        for (int r = 0; r < read.Length; r += width)
        {
            if (figures.Finite(read.AsSpan(r, width)))
                continue;
            using var still = no_grad();
            cohort.Restore(before);
            return false;
        }
        for (int u = 0; u < count; u++)
        for (int m = 0; m < cohort.Members.Length; m++)
            Record(cohort.Members[m], first + u, sizes[u], read.AsSpan(u * each + m * width, width), records);
        if (scales && (sinceOverflow += count) >= ScaleGrowsAfter)
            (scale, sinceOverflow) = (Math.Min(scale * 2, FirstScale * 256), 0);
        return true;
    }

    /// <summary>One update of all members, whatever comes of it.</summary>
    private void Queued(Cohort cohort, long update, Tensor examples, int count, UpdateTrace trace)
    {
        using var scope = NewDisposeScope();
        var seen = layout.Statistics > 0 ? new List<BatchStatistics>() : null;
        var result = gradients.At(cohort.LeavesOf(At(update)), examples, SeedsOf(cohort), update, scale, seen);
        using var still = no_grad();
        // The next update has its gradient in the same memory.
        Tensor gradient = result.Gradient,
            kept = gradient.clone(),
            weights = cohort.Weights.clone();
        var step = Apply(
            cohort,
            update,
            count,
            gradient,
            Spec.Optimizer.HasTrust ? figures.LayerSquares(kept, wide: false).sqrt() : null,
            seen
        );
        trace.Add(result with { Gradient = kept }, ReferenceEquals(step, gradient) ? step.clone() : step, weights);
    }

    /// <summary>Makes updates one by one; members that diverge stay as they were before it.</summary>
    private void OneByOne(Cohort cohort, int count, RecordBlock records)
    {
        int width = figures.Width;
        var sizes = new int[1];
        for (int u = 0; u < count; u++)
        {
            using var scope = NewDisposeScope();
            int[] going = [.. Enumerable.Range(0, cohort.Members.Length).Where(i => !members[cohort.Members[i]].Diverged)];
            if (going.Length == 0)
                return;
            long update = members[cohort.Members[going[0]]].Updates + 1;
            var examples = Batches(cohort, update, 1, sizes);
            double[] read = searches is null
                ? Looked(cohort, update, examples, sizes[0])
                : searches.Update(
                    cohort,
                    Array.ConvertAll(cohort.Members, m => members[m].Search),
                    examples,
                    SeedsOf(cohort),
                    update,
                    rates.At(update),
                    WeightOf(cohort, update, sizes[0]),
                    figures
                );
            foreach (int i in going)
            {
                int m = cohort.Members[i];
                var row = read.AsSpan(i * width, width);
                members[m].Diverged = !figures.Finite(row);
                Record(m, update, sizes[0], row, records);
            }
        }
    }

    /// <summary>One update of all members whose gradients are finite; what it showed [M × columns].</summary>
    private double[] Looked(Cohort cohort, long update, Tensor examples, int count)
    {
        int width = figures.Width;
        var leaves = cohort.LeavesOf(At(update));
        while (true)
        {
            var seen = layout.Statistics > 0 ? new List<BatchStatistics>() : null;
            var result = gradients.At(leaves, examples, SeedsOf(cohort), update, scale, seen);
            using var still = no_grad();
            double[] rows = figures.Read(result, cohort.Weights);
            bool[] going = [.. cohort.Members.Select((m, i) => !members[m].Diverged && figures.Finite(rows.AsSpan(i * width, width)))];
            if (scales && scale > 1 && cohort.Members.Where((m, i) => !members[m].Diverged && !going[i]).Any())
            {
                (scale, sinceOverflow) = (scale / 2, 0);
                continue;
            }
            if (scales && ++sinceOverflow >= ScaleGrowsAfter)
                (scale, sinceOverflow) = (Math.Min(scale * 2, FirstScale * 256), 0);
            bool all = going.All(fine => fine);
            var before = all ? null : cohort.Copy();
            var layers = Spec.Optimizer.HasTrust ? figures.LayerNorms(rows, device) : null;
            figures.ReadSteps(Apply(cohort, update, count, result.Gradient, layers, seen), rows);
            if (!all)
                cohort.KeepOnly(tensor(going).to(device), before!);
            return rows;
        }
    }

    /// <summary>The step of the gradients; what was added to the weights [M, P].</summary>
    private Tensor Apply(Cohort cohort, long update, int count, Tensor gradient, Tensor? layerNorms, List<BatchStatistics>? seen)
    {
        int at = At(update);
        if (at != 0)
            cohort.Vectors[at].copy_(cohort.Weights);
        var step = steps.Of(
            update - optimizerFrom,
            rates.At(update),
            WeightOf(cohort, update, count),
            gradient,
            cohort.Weights,
            cohort.Vectors.AsSpan(1, States),
            layerNorms
        );
        cohort.Weights.Plus_(step);
        foreach (var batch in seen ?? [])
            batch.Commit(cohort.Running!);
        return step;
    }

    private uint[] SeedsOf(Cohort cohort) => Array.ConvertAll(cohort.Members, m => members[m].Seed);

    /// <summary>Of an update's mean gradient: below 1 for a reweighted short batch.</summary>
    private double WeightOf(Cohort cohort, long update, int count)
    {
        var sampler = members[cohort.Members[0]].Sampler;
        return sampler.GradientWeight(update, Spec.Sampler.Pool is null ? count : sampler.Progress.ExamplesOf(update));
    }

    private void Record(int member, long update, int count, ReadOnlySpan<double> row, RecordBlock records)
    {
        var of = members[member];
        var record = records.Row(member, records.Rows[member]++);
        of.Noise = figures.Write(record, row, of.Noise, rates.At(update), count, population, Layout);
        if (Layout.HasLineSearchColumns)
        {
            if (Spec.Sampler.Pool is not null)
                of.Search.Flops += (double)Spec.Network.ForwardFlopsPerExample * of.Sampler.Progress.ExamplesOf(update);
            if (searches is null)
            {
                of.Search.BeginUpdate();
                of.Search.OnePass((double)Spec.Network.TrainingFlopsPerExample * count);
            }
            of.Search.Write(record, Layout);
        }
        if (!of.Diverged)
            of.Updates = update;
    }

    /// <summary>
    /// Indices of the examples of some updates, one after another, each member by member; the numbers of one member's go into
    /// <paramref name="sizes"/>.
    /// </summary>
    private Tensor Batches(Cohort cohort, long first, int count, int[] sizes)
    {
        var all = new List<long>();
        for (int u = 0; u < count; u++)
        {
            if (Spec.Sampler.Pool is not null)
            {
                foreach (int[] hard in Harden(cohort, first + u))
                {
                    sizes[u] = hard.Length;
                    foreach (int i in hard)
                        all.Add(i);
                }
                continue;
            }
            foreach (int m in cohort.Members)
            {
                sizes[u] = members[m].Sampler.Fill(first + u, indices);
                for (int i = 0; i < sizes[u]; i++)
                    all.Add(indices[i]);
            }
        }
        return tensor(all.ToArray()).to(device);
    }

    /// <summary>The hardest examples of each member's pool at the weights that its gradient is taken at.</summary>
    private int[][] Harden(Cohort cohort, long update)
    {
        using var still = no_grad();
        int drawn = 0;
        var pools = new int[cohort.Members.Length][];
        for (int m = 0; m < pools.Length; m++)
        {
            drawn = members[cohort.Members[m]].Sampler.Fill(update, indices);
            pools[m] = indices[..drawn];
        }
        int keep = Spec.Sampler.TrainedOf(drawn, Spec.BatchSize);
        var at = cohort.LeavesOf(At(update));
        var losses = new float[pools.Length * drawn];
        var work = new ulong[drawn];
        int most = Spec.MicroBatch ?? drawn;
        for (int first = 0; first < drawn; first += most)
        {
            using var scope = NewDisposeScope();
            int rows = Math.Min(most, drawn - first);
            var examples = tensor(pools.SelectMany(pool => pool.Skip(first).Take(rows).Select(i => (long)i)).ToArray()).to(device);
            var part = new float[pools.Length * rows];
            Host.Copy(model.Losses(new Pass(at) { Running = cohort.Running }, data.Train, examples), part);
            for (int m = 0; m < pools.Length; m++)
                part.AsSpan(m * rows, rows).CopyTo(losses.AsSpan(m * drawn + first));
        }
        for (int m = 0; m < pools.Length; m++)
        {
            Hardest.Choose(losses.AsSpan(m * drawn, drawn), pools[m], drawn, keep, work);
            pools[m] = pools[m][..keep];
        }
        return pools;
    }

    /// <summary>
    /// The vector that an update's gradient is taken at: old weights are kept in turn, those after j updates in place j mod s.
    /// </summary>
    private int At(long update) => Spec.Staleness == 0 ? 0 : 1 + States + (int)((update - 1) % Spec.Staleness);

    private sealed class Member(uint seed, Sampler sampler)
    {
        public uint Seed => seed;

        public Sampler Sampler => sampler;

        public long Updates { get; set; }

        public bool Diverged { get; set; }

        public NoiseScale Noise { get; set; }

        public SearchState Search { get; } = new();
    }
}
