using System.Runtime.CompilerServices;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Engines;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Training;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

/// <summary>What an experiment would cost on one engine.</summary>
/// <param name="Engine">As <c>--engine</c> takes it.</param>
/// <param name="Cost">Null where it cannot be trained there.</param>
/// <param name="Problem">Why it cannot, in a sentence; else null.</param>
public sealed record EngineEstimate(string Engine, CostEstimate? Cost, string? Problem);

/// <summary>The one experiment that is on the air, and the commands that change it. Only owners reach the commands.</summary>
/// <param name="library">Where experiments are recorded and opened from; null: nothing is kept.</param>
/// <param name="engines">
/// Gives each experiment its engine; the one on the air, one that is being put away, opened recordings and estimates each have their own.
/// </param>
/// <param name="engineOf">
/// Makes the engine that a recording was made with; null: it is opened only where its experiment gets the same again.
/// </param>
public sealed class ExperimentHost(
    ExperimentEngines engines,
    DataFiles files,
    ExperimentOptions options,
    Library? library = null,
    Func<RecordingManifest.EngineInfo, IEngine>? engineOf = null
) : IDisposable
{
    private static readonly TimeSpan WritingOut = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim replacing = new(1, 1);
    private LiveExperiment? current;
    private Ceilings? ceilings;
    private (Experiment Experiment, OpenRecording Recording)? prepared;

    /// <summary>Numbers go on from the time of the start: what lies under a number is cached for good, so none may come twice.</summary>
    private uint generation = (uint)DateTimeOffset.UtcNow.ToUnixTimeSeconds();
    private Task retired = Task.CompletedTask;

    /// <summary>Null until the first experiment has begun.</summary>
    public LiveExperiment? Current => Volatile.Read(ref current);

    /// <summary>
    /// Of this machine, by the embedded engine's kernels; told of its experiments only, null until they have been measured.
    /// </summary>
    public Ceilings? Ceilings
    {
        get => Volatile.Read(ref ceilings);
        set => Volatile.Write(ref ceilings, value);
    }

    public DataFiles Files => files;

    public Library? Library => library;

    /// <summary>All recordings; none where nothing is kept.</summary>
    /// <exception cref="RefusedException">They cannot be listed.</exception>
    public IReadOnlyList<LibraryEntry> Recordings() => library?.List(Current?.Recording.Key) ?? [];

    /// <summary>Reads a spec, its data, and begins it in place of the present experiment; when it is refused, that one goes on.</summary>
    /// <exception cref="RefusedException">One sentence.</exception>
    public Task Start(ReadOnlyMemory<byte> json, CancellationToken cancel = default) =>
        Replace(
            () =>
            {
                var spec = SpecReader.Read(json);
                Prepare(files.Plan(spec, trusted: false), files.FolderFor(spec.Data, null));
            },
            cancel
        );

    /// <summary>
    /// What an experiment would take and how long it would train, measured on a short trial. What trains meanwhile goes on.
    /// </summary>
    /// <exception cref="RefusedException">One sentence: it cannot be started as it is.</exception>
    public Task<CostEstimate> Estimate(ExperimentSpec spec, CancellationToken cancel) =>
        Task.Factory.StartNew(
            () =>
            {
                using var engine = engines.For(spec).Engine;
                return CostEstimate.Of(files.Plan(spec, trusted: false), engine, options, cancel);
            },
            cancel,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    /// <summary>The name of the engine that trains an experiment where it names none.</summary>
    /// <exception cref="RefusedException">One sentence: it is not here.</exception>
    public string DefaultEngine(ExperimentSpec spec)
    {
        using var engine = engines.For(spec with { Engine = null }).Engine;
        return EngineList.NameOf(engine);
    }

    /// <summary>The same on each engine that is here, one after another, as the experiment would be with that one named.</summary>
    public async IAsyncEnumerable<EngineEstimate> Estimates(ExperimentSpec spec, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (string name in EngineList.All().Where(entry => entry.WhyNot is null).Select(entry => entry.Name))
        {
            EngineEstimate estimate;
            try
            {
                estimate = new(name, await Estimate(spec with { Engine = name }, cancel), null);
            }
            catch (RefusedException e)
            {
                estimate = new(name, null, e.Message);
            }
            yield return estimate;
        }
    }

    /// <summary>Puts a recording on the air as it is; one that another process writes can only be looked at.</summary>
    /// <exception cref="RefusedException">One sentence; the present experiment goes on.</exception>
    public Task Open(string id, CancellationToken cancel = default) =>
        Replace(
            () =>
            {
                var entry = Entry(id);
                if (entry.Key != Current?.Recording.Key)
                    PrepareRecording(entry, resume: false);
            },
            cancel
        );

    /// <summary>Trains those runs of a recording on that were interrupted or stopped.</summary>
    /// <param name="id">Null: the recording on the air, wherever it is kept.</param>
    /// <exception cref="RefusedException">One sentence; the present experiment goes on.</exception>
    public Task Resume(string? id = null, CancellationToken cancel = default) =>
        Replace(
            () =>
            {
                var entry = id is null ? null : Entry(id);
                if (entry is null || entry.Key == Current?.Recording.Key)
                    PrepareCurrentAgain();
                else if (!entry.Runs.Any(run => run.Unfinished))
                    throw new RefusedException(
                        Tr(
                            $"Every run of “{entry.Name}” has ended; there is nothing to go on with.",
                            $"“{entry.Name}”的所有运行都已结束，没有可继续的训练。"
                        )
                    );
                else
                    PrepareRecording(entry, resume: true);
            },
            cancel
        );

    /// <summary>A new run beside the others, which goes on from one of them with other settings.</summary>
    /// <param name="progress">From 0 to 1, while the way from the keyframe before it is made once more.</param>
    /// <returns>Its id.</returns>
    /// <exception cref="RefusedException">One sentence; nothing has changed.</exception>
    public async Task<string> Fork(
        string run,
        long update,
        IReadOnlyDictionary<string, string> set,
        IProgress<double>? progress = null,
        CancellationToken cancel = default
    )
    {
        var live = Current ?? throw new RefusedException(Tr("There is no experiment yet.", "还没有实验。"));
        if (live.Recording.ReadOnly)
            throw new RefusedException(
                Tr(
                    "This recording can only be looked at here, since another BatchViz has it; a fork would write it.",
                    "另一个 BatchViz 正占用此录制，这里只能查看；分叉需要写入。"
                )
            );
        Run? made = null;
        var fork = new Recomputation(
            new object(),
            () => default,
            (_, told, stop) =>
            {
                made = live.Experiment.Fork(run, update, set, progress ?? told, stop);
                return new([], Final: false);
            }
        );
        var state = await live.Recomputing.Ask(fork, Asker.Owner, Timeout.InfiniteTimeSpan, cancel);
        cancel.ThrowIfCancellationRequested();
        if (state.Refusal is { } refusal)
            throw new RefusedException(refusal);
        return made!.Plan.Id;
    }

    /// <summary>Undoes a fork: <see cref="Experiment.UndoFork"/>.</summary>
    /// <exception cref="RefusedException">One sentence; nothing has changed.</exception>
    public void UndoFork(string run) => Forking.UndoFork(run);

    /// <summary>Redoes it.</summary>
    /// <exception cref="RefusedException">One sentence; nothing has changed.</exception>
    public void RedoFork(string run) => Forking.RedoFork(run);

    private Experiment Forking => Current?.Experiment ?? throw new RefusedException(Tr("There is no experiment yet.", "还没有实验。"));

    /// <exception cref="RefusedException">One sentence; the name is as before.</exception>
    public async Task Rename(string id, string name, CancellationToken cancel = default)
    {
        await replacing.WaitAsync(cancel);
        try
        {
            var entry = Entry(id);
            if (Current is not { } live || live.Recording.Key != entry.Key)
            {
                Shelf.Rename(id, name);
                return;
            }
            if (live.Recording.ReadOnly)
                throw new RefusedException(
                    Tr(
                        $"“{entry.Name}” is being written by another BatchViz; it can be renamed when that is done.",
                        $"另一个 BatchViz 正在写入“{entry.Name}”；待其完成后才能改名。"
                    )
                );
            live.Experiment.Rename(Library.CheckName(name));
            Shelf.LookAgain(entry.Key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                Tr($"The recording cannot be renamed: {e.Message.TrimEnd('.')}.", $"无法给录制改名：{e.Message.TrimEnd('.')}。")
            );
        }
        finally
        {
            replacing.Release();
        }
    }

    /// <summary>Moves a recording into the trash; <see cref="Library.Undelete"/> brings it back.</summary>
    /// <exception cref="RefusedException">One sentence; it is still there.</exception>
    public async Task<string> Delete(string id, CancellationToken cancel = default)
    {
        await replacing.WaitAsync(cancel);
        try
        {
            await retired;
            var entry = Entry(id);
            return entry.Key == Current?.Recording.Key
                ? throw new RefusedException(
                    Tr(
                        $"“{entry.Name}” is on the air; it can be deleted when another experiment is.",
                        $"“{entry.Name}”正在播出；换成另一个实验后才能删除。"
                    )
                )
                : Shelf.Delete(id);
        }
        finally
        {
            replacing.Release();
        }
    }

    /// <exception cref="RefusedException">It is no longer in the trash.</exception>
    public string Undelete(string trashed) => Shelf.Undelete(trashed);

    /// <summary>
    /// Takes all that an experiment needs and starts nothing yet. Where it cannot be recorded, it is prepared all the same, and says so.
    /// </summary>
    /// <exception cref="RefusedException">It is more than can be had.</exception>
    public void Prepare(ExperimentPlan plan, string? dataFolder = null)
    {
        Unprepare();
        var (engine, reason) = engines.For(plan.Spec);
        var own = options with { DataFolder = dataFolder, EngineReason = reason };
        string? problem = null;
        if (library is not null)
        {
            try
            {
                var (key, folder) = library.New(plan.Spec.Name);
                try
                {
                    prepared = (
                        new Experiment(plan, engine, own with { Files = folder }),
                        new OpenRecording(
                            folder,
                            engine,
                            () =>
                            {
                                engine.Dispose();
                                library.LetGo(key);
                            }
                        )
                        {
                            Key = key,
                        }
                    );
                    return;
                }
                catch
                {
                    library.Discard(key, folder);
                    throw;
                }
            }
            catch (Exception e) when (e is RefusedException or IOException or UnauthorizedAccessException)
            {
                // If it was refused for another reason than its folder, it is refused once more below.
                problem = $"This experiment is not recorded, and is lost when another begins: {e.Message}";
            }
        }
        var memory = new MemoryFiles();
        try
        {
            prepared = (
                new Experiment(plan, engine, own with { Files = memory }),
                new OpenRecording(memory, engine, engine.Dispose) { Problem = problem }
            );
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>Begins what was prepared, in place of the present experiment.</summary>
    public void Begin()
    {
        var (experiment, recording) = prepared ?? throw new InvalidOperationException("nothing has been prepared");
        prepared = null;
        var before = Current;
        Volatile.Write(
            ref current,
            new LiveExperiment(
                ++generation,
                experiment,
                recording,
                () => experiment.Engine is CpuEngine ? Volatile.Read(ref ceilings) : null
            )
        );
        experiment.Start();
        if (before is not null)
            retired = Task.Run(before.Dispose);
    }

    public void Hold() => Current?.Experiment.Hold();

    public void Continue() => Current?.Experiment.Continue();

    public void StepOnce() => Current?.Experiment.StepOnce();

    public void Stop() => Current?.Experiment.Stop();

    /// <exception cref="RefusedException">The kind does not apply, or is none.</exception>
    public void FitPlane(string kind) => Current?.Experiment.FitPlane(PlaneOf(kind));

    /// <summary>
    /// Fits a plane at a chosen place: of the Hessian at one run's weights after an update, or through the ends of three runs.
    /// </summary>
    /// <returns>When everyone sees it.</returns>
    /// <exception cref="RefusedException">One sentence; the plane is as before.</exception>
    public async Task FitPlaneAt(string kind, IReadOnlyList<string> runs, long update, CancellationToken cancel = default)
    {
        var live = Current ?? throw new RefusedException(Tr("There is no experiment yet.", "还没有实验。"));
        var plane = PlaneOf(kind);
        try
        {
            await live.Experiment.FitPlane(new PlaneRequest(plane, runs, plane == PlaneKind.Hessian ? update : null)).WaitAsync(cancel);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new RefusedException(Tr("The plane was not fitted: another experiment has begun.", "平面没有拟合：另一个实验已经开始。"));
        }
    }

    private static PlaneKind PlaneOf(string kind)
    {
        foreach (var (word, value) in SpecVocabulary.Planes)
            if (word == kind && value != PlaneKind.Auto)
                return value;
        throw new RefusedException(
            Tr(
                "A plane is \"pca\", \"random\", \"runs\", \"hessian\" or \"weights\".",
                "平面为 \"pca\"、\"random\"、\"runs\"、\"hessian\" 或 \"weights\"。"
            )
        );
    }

    public void Dispose()
    {
        Unprepare();
        Current?.Dispose();
        retired.Wait(TimeSpan.FromSeconds(10));
    }

    private Library Shelf => library ?? throw new RefusedException(Tr("This server keeps no recordings.", "此服务器不保存录制。"));

    private LibraryEntry Entry(string id) => Shelf.Find(id, Current?.Recording.Key);

    private async Task Replace(Action prepare, CancellationToken cancel)
    {
        await replacing.WaitAsync(cancel);
        try
        {
            await retired;
            await Task.Run(prepare, cancel);
            if (prepared is not null)
                Begin();
        }
        finally
        {
            replacing.Release();
        }
    }

    private void PrepareRecording(LibraryEntry entry, bool resume)
    {
        if (entry.Manifest is null)
            throw new RefusedException(entry.Problem ?? Tr("The recording cannot be read.", "无法读取录制。"));
        bool elsewhere = Shelf.IsElsewhere(entry.Key);
        if (resume && elsewhere)
            throw new RefusedException(
                Tr(
                    $"“{entry.Name}” is being written by another BatchViz, which trains it.",
                    $"另一个 BatchViz 正在写入并训练“{entry.Name}”。"
                )
            );
        IFiles? folder = null;
        try
        {
            if (!elsewhere)
                folder = Shelf.ToWrite(entry.Key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that cannot be written can still be looked at.
            if (resume)
                throw new RefusedException(
                    Tr(
                        $"“{entry.Name}” cannot be gone on with: {e.Message.TrimEnd('.')}.",
                        $"无法继续“{entry.Name}”：{e.Message.TrimEnd('.')}。"
                    )
                );
        }
        bool readOnly = folder is null;
        folder ??= Shelf.ToRead(entry.Key);
        IEngine? own = null;
        void LetGo()
        {
            own?.Dispose();
            if (!readOnly)
                Shelf.LetGo(entry.Key);
        }
        OpenRecording? recording = null;
        try
        {
            var manifest = RecordingManifest.Read(folder);
            own =
                EngineOf(manifest)
                ?? throw new RefusedException(
                    Tr(
                        $"“{entry.Name}” was made with another engine, which this server does not have.",
                        $"“{entry.Name}”由另一个计算引擎生成，此服务器没有该引擎。"
                    )
                );
            recording = new OpenRecording(folder, own, LetGo) { Key = entry.Key, ReadOnly = readOnly };
            PrepareFrom(recording, manifest, files.Plan(manifest, trusted: false), resume, "the recording was made with it");
        }
        catch (Exception e)
        {
            if (recording is not null)
                recording.Dispose();
            else
            {
                folder.Dispose();
                LetGo();
            }
            if (e is IOException or UnauthorizedAccessException)
                throw new RefusedException(
                    Tr($"“{entry.Name}” cannot be read: {e.Message.TrimEnd('.')}.", $"无法读取“{entry.Name}”：{e.Message.TrimEnd('.')}。")
                );
            throw;
        }
    }

    /// <summary>The engine that a recording was made with; null: it is not to be had.</summary>
    private IEngine? EngineOf(RecordingManifest manifest)
    {
        if (engineOf is not null)
            return engineOf(manifest.Engine);
        var engine = engines.For(manifest.ReadSpec()).Engine;
        if (RecordingManifest.InfoOf(engine) == manifest.Engine)
            return engine;
        engine.Dispose();
        return null;
    }

    /// <summary>
    /// The experiment on the air once more, so that what was stopped goes on: from the same files, which are not let go of in between.
    /// </summary>
    private void PrepareCurrentAgain()
    {
        var live = Current ?? throw new RefusedException(Tr("There is no experiment yet.", "还没有实验。"));
        var experiment = live.Experiment;
        if (!experiment.Finished)
            throw new RefusedException(
                Tr("This experiment is being trained; there is nothing to resume.", "此实验正在训练，没有可恢复的内容。")
            );
        if (live.Recording.ReadOnly)
            throw new RefusedException(
                Tr("This recording is being written by another BatchViz, which trains it.", "另一个 BatchViz 正在写入并训练此录制。")
            );
        if (experiment.State != ExperimentState.Stopped)
            throw new RefusedException(
                Tr(
                    "Every run of this experiment has ended; there is nothing to go on with.",
                    "此实验的所有运行都已结束，没有可继续的训练。"
                )
            );
        if (experiment.Recorder?.Flush(WritingOut) == false)
            throw new RefusedException(
                experiment.RecordingProblem
                    ?? Tr("The recording is still being written; try again in a moment.", "录制仍在写入，请稍后再试。")
            );
        var recording = live.Recording.Share();
        try
        {
            PrepareFrom(recording, RecordingManifest.Read(recording.Files), experiment.Plan, resume: true, experiment.EngineReason);
        }
        catch
        {
            recording.Dispose();
            throw;
        }
    }

    private void PrepareFrom(OpenRecording recording, RecordingManifest manifest, ExperimentPlan plan, bool resume, string? reason)
    {
        Unprepare();
        var folder = RecordingFolder.Open(recording.Files, manifest, plan);
        try
        {
            prepared = (
                new Experiment(
                    plan,
                    recording.Engine,
                    options with
                    {
                        Resume = resume,
                        ReadOnly = recording.ReadOnly,
                        EngineReason = reason,
                    },
                    folder
                ),
                recording
            );
        }
        catch
        {
            folder.Dispose();
            throw;
        }
        if (prepared.Value.Experiment is not { Landscape: not { Resolution: > 0 } } bare)
            return;
        try
        {
            // Nothing else would make a surface: every run has ended, or the program did before it was computed.
            bare.FitPlane(plan.Plane);
        }
        catch (RefusedException)
        {
            // Then there is none, as there was none.
        }
    }

    private void Unprepare()
    {
        if (prepared is not var (experiment, recording))
            return;
        prepared = null;
        experiment.Dispose();
        recording.Dispose();
    }
}
