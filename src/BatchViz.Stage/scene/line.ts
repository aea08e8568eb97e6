/** A path's line: three's fat line, whose colour fades towards its beginning into that of the surface. */
import { Color } from "three";
import { LineMaterial, type LineMaterialParameters } from "three/examples/jsm/lines/LineMaterial.js";

/** How much of its own colour the oldest part keeps: faint, and still readable. */
const OLDEST = 0.42;

export class FadingLine extends LineMaterial {
  private readonly fade = { ground: { value: new Color() }, whole: { value: 1 }, oldest: { value: OLDEST } };

  constructor(parameters: LineMaterialParameters) {
    super(parameters);
    Object.assign(this.uniforms, this.fade);
    this.vertexShader = `attribute float alongStart;\nattribute float alongEnd;\nvarying float vAlong;\n${this.vertexShader.replace("void main() {", "void main() {\nvAlong = position.y < 0.5 ? alongStart : alongEnd;")}`;
    this.fragmentShader = `varying float vAlong;\nuniform vec3 ground;\nuniform float whole;\nuniform float oldest;\n${this.fragmentShader.replace(
      "vec4 diffuseColor = vec4( diffuse, alpha );",
      "vec4 diffuseColor = vec4( mix( ground, diffuse, oldest + ( 1.0 - oldest ) * smoothstep( 0.0, 1.0, vAlong / whole ) ), alpha );")}`;
  }

  /** Length of the line as it is drawn now. */
  set whole(length: number) {
    this.fade.whole.value = Math.max(1e-6, length);
  }

  /** What it fades into. */
  setGround(colour: string): void {
    this.fade.ground.value.set(colour);
  }

  set fades(on: boolean) {
    this.fade.oldest.value = on ? OLDEST : 1;
  }
}
