using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>Files of which a test decides, in the middle of it, what they are.</summary>
internal sealed class SwitchedFiles : IFiles
{
    public required IFiles To { get; set; }

    public string Place => To.Place;

    public IWriteFile Create(string name) => To.Create(name);

    public IWriteFile Append(string name) => To.Append(name);

    public IReadFile? Read(string name) => To.Read(name);

    public void Rename(string from, string to) => To.Rename(from, to);

    public void Delete(string name) => To.Delete(name);

    public void SyncFolder(string folder) => To.SyncFolder(folder);

    public void CreateFolder(string folder) => To.CreateFolder(folder);

    public IReadOnlyList<string> List(string folder) => To.List(folder);

    public void Dispose() => To.Dispose();
}
