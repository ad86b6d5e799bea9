package mobilenet
import ("testing";"fmt")
func TestQ(t *testing.T){
 for _,a:=range Archs(){ for _,v:=range Variants(a){ c,err:=Default(a,v); if err!=nil{t.Fatal(err)}; g,err:=c.Graph(); if err!=nil{t.Fatal(err)}; s:=g.Summary(); fmt.Println(g, s.Params,s.Trainable,s.NonTrainable,s.MultiplyAdds,g.Stride())}}
}
