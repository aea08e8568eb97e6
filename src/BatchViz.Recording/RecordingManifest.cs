using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording;

/// <summary>What a recording is of: everything that its bits follow from. Replaced as a whole, with a checksum in its last key.</summary>
public sealed partial record RecordingManifest
{
    public const string FileName = "manifest.json",
        Format = "batchviz-recording";
    public const int FormatVersion = 1,
        MostBytes = 1 << 20;

    private const string Seal = ",\"checksum\":\"";

    public required Guid Id { get; init; }

    /// <summary>For people; may be changed.</summary>
    public required string Name { get; init; }

    /// <summary>What is held equal and what differs, as on the picture.</summary>
    public required string Title { get; init; }

    /// <summary>By this machine's clock, for people only.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>Version of the program that began it.</summary>
    public required string Program { get; init; }

    public required EngineInfo Engine { get; init; }

    public required MachineInfo Machine { get; init; }

    public required DataInfo Data { get; init; }

    /// <summary>Bytes that records and keyframes of the experiment may take together, each the half of it.</summary>
    public required long BudgetBytes { get; init; }

    /// <summary>The experiment file.</summary>
    public required JsonNode Spec { get; init; }

    public required IReadOnlyList<RunEntry> Runs { get; init; }

    /// <param name="Variant">What the bits depend on besides the spec: the kernel path, the device.</param>
    /// <param name="Revision">Raised whenever the same spec gives other bits than before.</param>
    public sealed record EngineInfo(string Name, string Variant, int Revision, string Description, bool BitExact);

    public sealed record MachineInfo(string System, string Processor, int Cores)
    {
        public static MachineInfo Here(string processor) => new(RuntimeInformation.OSDescription, processor, Environment.ProcessorCount);
    }

    /// <param name="Folder">Where CSV and IDX files were; null for data that come with the program.</param>
    public sealed record DataInfo(
        string Name,
        string Sha256,
        int TrainExamples,
        int TestExamples,
        int Inputs,
        int Outputs,
        string Task,
        string? Folder
    );

    /// <summary>A run: of the spec, or one that left another.</summary>
    /// <param name="Parent">Of a fork: the run it left after <paramref name="Update"/> updates, and what was set to other values.</param>
    public sealed record RunEntry(string Id, string? Parent = null, long Update = 0, IReadOnlyDictionary<string, string>? Set = null);

    /// <summary>The manifest of an experiment that begins.</summary>
    public static RecordingManifest Of(
        ExperimentPlan plan,
        IEngine engine,
        string processor,
        DateTimeOffset now,
        long budgetBytes,
        string? dataFolder
    ) =>
        new()
        {
            Id = Guid.NewGuid(),
            Name = plan.Spec.Name,
            Title = plan.Title,
            Created = now,
            Program = ThisProgram,
            Engine = InfoOf(engine),
            Machine = MachineInfo.Here(processor),
            Data = InfoOf(plan.Data, dataFolder),
            BudgetBytes = budgetBytes,
            Spec = SpecWriter.Write(plan.Spec),
            Runs = [.. plan.Runs.Select(run => new RunEntry(run.Id))],
        };

    public static string ThisProgram => typeof(RecordingManifest).Assembly.GetName().Version?.ToString(3) ?? "";

    public static EngineInfo InfoOf(IEngine engine) =>
        new(engine.Name, engine.Variant, engine.Revision, engine.Description, engine.BitExact);

    public static DataInfo InfoOf(Core.Data.DataSet data, string? folder) =>
        new(
            data.Name,
            data.Fingerprint(),
            data.Train.Count,
            data.Test?.Count ?? 0,
            data.Inputs,
            data.Outputs,
            data.Task.ToString().ToLowerInvariant(),
            folder
        );

    /// <summary>The spec, checked like any experiment file.</summary>
    /// <exception cref="RefusedException">One sentence.</exception>
    public ExperimentSpec ReadSpec() => SpecReader.Read(Encoding.UTF8.GetBytes(Spec.ToJsonString()), "The recording's experiment");

    /// <summary>The plan of all its runs, forks among them.</summary>
    /// <param name="plan">Of its spec.</param>
    /// <exception cref="RefusedException">One sentence: its runs are not those of its spec.</exception>
    public ExperimentPlan PlanOf(ExperimentPlan plan)
    {
        var runs = plan.Runs.ToList();
        if (!Runs.Take(runs.Count).Select(run => run.Id).SequenceEqual(runs.Select(run => run.Id)))
            throw new RefusedException("The recording's runs are not those of its experiment.");
        foreach (var entry in Runs.Skip(runs.Count))
        {
            var parent =
                runs.Find(run => run.Id == entry.Parent) ?? throw new RefusedException($"The recording's run {entry.Id} has no parent.");
            runs.Add(
                ForkResolver.Resolve(
                    plan with
                    {
                        Runs = runs,
                    },
                    parent,
                    entry.Update,
                    entry.Set ?? new Dictionary<string, string>(),
                    runs.Count
                ) with
                {
                    Id = entry.Id,
                }
            );
        }
        return plan with { Runs = runs };
    }

    /// <summary>Puts it in place of the one before, durably.</summary>
    public void Write(IFiles files) => files.Replace(FileName, ToBytes());

    public byte[] ToBytes()
    {
        var json = new ManifestJson(
            Format,
            FormatVersion,
            Id,
            Name,
            Title,
            Created,
            Program,
            Engine,
            Machine,
            Data,
            BudgetBytes,
            Spec,
            Runs
        );
        byte[] body = RecordingJson.Write(json)[..^1];
        return [.. body, .. Encoding.UTF8.GetBytes($"{Seal}{Crc32C.Of(body):x8}\"}}")];
    }

    /// <summary>Reads the manifest of a folder.</summary>
    /// <exception cref="RefusedException">One sentence: there is none, it is damaged, or of a later version.</exception>
    public static RecordingManifest Read(IFiles files)
    {
        byte[]? bytes;
        try
        {
            bytes = files.ReadAll(FileName, MostBytes);
        }
        catch (IOException e)
        {
            throw new RefusedException($"The recording in {files.Place} cannot be read: {e.Message}");
        }
        return bytes is null ? throw new RefusedException($"{files.Place} holds no recording: nothing recorded.") : Parse(bytes);
    }

    /// <exception cref="RefusedException">One sentence.</exception>
    public static RecordingManifest Parse(ReadOnlySpan<byte> bytes)
    {
        const string Broken = "The recording's manifest is damaged";
        int sealLength = Seal.Length + 8 + 2,
            body = bytes.Length - sealLength;
        if (bytes.Length > MostBytes || body < 2)
            throw new RefusedException($"{Broken}: it has {bytes.Length:#,0} bytes.");
        if (!bytes[body..].SequenceEqual(Encoding.UTF8.GetBytes($"{Seal}{Crc32C.Of(bytes[..body]):x8}\"}}")))
            throw new RefusedException($"{Broken}: its checksum does not fit.");
        var json =
            RecordingJson.Read<ManifestJson>(bytes) ?? throw new RefusedException($"{Broken}: it does not say what a manifest says.");
        if (json.Format != Format)
            throw new RefusedException($"{Broken}: it is of another format.");
        if (json.Version != FormatVersion)
            throw new RefusedException($"The recording is of format version {json.Version}; this program reads version {FormatVersion}.");
        if (
            json
            is not {
                Id: { } id,
                Name: { Length: <= 200 } name,
                Title: { } title,
                Created: { } created,
                Program: { } program,
                Engine: { Name: not null, Variant: not null } engine,
                Machine: { } machine,
                Data: { Name: not null, Sha256: not null } data,
                Spec: JsonObject spec,
                Runs: { Count: >= 1 and <= 1024 } runs
            }
        )
            throw new RefusedException($"{Broken}: it does not say what a manifest says.");
        if (json.BudgetBytes < 0)
            throw new RefusedException($"{Broken}: its budget is negative.");
        var seen = new HashSet<string>();
        foreach (var run in runs)
        {
            if (
                run?.Id is null
                || !SafeId().IsMatch(run.Id)
                || run.Update is < 0 or > SpecReader.MaxUpdates
                || (run.Parent is { } parent && !seen.Contains(parent))
                || !seen.Add(run.Id)
            )
                throw new RefusedException($"{Broken}: its runs make no sense.");
        }
        return new RecordingManifest
        {
            Id = id,
            Name = name,
            Title = title,
            Created = created,
            Program = program,
            Engine = engine,
            Machine = machine,
            Data = data,
            BudgetBytes = json.BudgetBytes,
            Spec = spec,
            Runs = runs,
        };
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,99}\z")]
    private static partial Regex SafeId();
}

/// <summary>The manifest as it stands in its file, in this order; what may be missing in a damaged one is null.</summary>
internal sealed record ManifestJson(
    string? Format,
    int Version,
    Guid? Id,
    string? Name,
    string? Title,
    DateTimeOffset? Created,
    string? Program,
    RecordingManifest.EngineInfo? Engine,
    RecordingManifest.MachineInfo? Machine,
    RecordingManifest.DataInfo? Data,
    long BudgetBytes,
    JsonNode? Spec,
    IReadOnlyList<RecordingManifest.RunEntry>? Runs
);
