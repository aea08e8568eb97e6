using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Live;

namespace BatchViz.Cli;

/// <summary>What commands read and what they compose.</summary>
internal static class Files
{
    /// <summary>The experiment that the dashboard shows when none is named.</summary>
    public static string DefaultExperiment => Path.Combine(AppContext.BaseDirectory, "examples", "mnist.json");

    public static DataFiles Data(string? folder) =>
        folder is null || Directory.Exists(folder)
            ? new DataFiles(folder)
            : throw new RefusedException($"\"--data\": there is no folder {folder}.");

    /// <summary>The library of recordings in a folder, which is made when the first one begins; null: where this machine has it.</summary>
    public static Library Recordings(string? folder)
    {
        folder ??= Library.DefaultRoot;
        return File.Exists(folder) ? throw new RefusedException($"\"--recordings\" is {folder}, which is a file.") : new Library(folder);
    }

    /// <summary>Reads an experiment file and its data.</summary>
    /// <exception cref="RefusedException">One sentence, with nothing started.</exception>
    public static ExperimentPlan Plan(string file, DataFiles data)
    {
        byte[] json;
        try
        {
            if (Directory.Exists(file))
                throw new RefusedException($"{file} is a folder, not an experiment file.");
            if (!File.Exists(file))
                throw new RefusedException($"There is no experiment file {file}.");
            json = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException($"{file} cannot be read: {e.Message}");
        }
        return data.Plan(SpecReader.Read(json, Path.GetFileName(file)), trusted: true, Path.GetDirectoryName(Path.GetFullPath(file)));
    }
}
